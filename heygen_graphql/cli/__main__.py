from heygen_graphql.cli import main

main()
