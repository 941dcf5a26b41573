// Bundles the page into the directory that is named by the first argument.
import { build } from "esbuild";
import { argv } from "node:process";

const shared = { bundle: true, minify: true, outdir: argv[2], target: "es2022", legalComments: "linked" };

await build({
  ...shared,
  entryPoints: { main: "main.jsx" },
  format: "esm",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  assetNames: "assets/[name]-[hash]",
  jsx: "automatic",
  loader: { ".ttf": "file" },
  define: { "process.env.NODE_ENV": '"production"' },
});

// Monaco, the editor, runs each language in a worker.
await build({
  ...shared,
  entryPoints: {
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
  },
  format: "iife",
});
