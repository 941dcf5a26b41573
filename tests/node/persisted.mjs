// Apollo Client asks the same twice by automatic persisted queries; tells as JSON what went over the wire.
import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

const [uri] = process.argv.slice(2);
const sent = [];
const http = new HttpLink({
  uri,
  fetch: async (address, options) => {
    const { query, extensions } = JSON.parse(options.body);
    const response = await fetch(address, options);
    sent.push({ hasQuery: query !== undefined, hasHash: Boolean(extensions.persistedQuery), status: response.status });
    return response;
  },
});
const hashes = new PersistedQueryLink({ sha256: (text) => createHash("sha256").update(text).digest("hex") });
const client = new ApolloClient({ link: ApolloLink.from([hashes, http]), cache: new InMemoryCache() });
const answers = [];
for (let time = 0; time < 2; time++) {
  const { data } = await client.query({
    query: gql`query FromApollo($id: ID!) { node(id: $id) { id } }`,
    variables: { id: "nothing" },
    fetchPolicy: "network-only",
  });
  answers.push(data);
}
console.log(JSON.stringify({ sent, answers }));
