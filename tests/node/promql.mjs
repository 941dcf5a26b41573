// What PromQL expressions (a JSON array in the first argument) are made of, by the grammar that Prometheus's own
// editor uses: for each, its faults and its selectors with the labels that they, and what is around them, name.
import { parser } from "@prometheus-io/lezer-promql";

// As Grafana would fill them in.
const VARIABLES = { $__rate_interval: "5m" };

function look(written) {
  const expression = Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), written);
  const text = (node) => expression.slice(node.from, node.to);
  const found = { faults: [], selectors: [], groupings: [] };
  parser.parse(expression).iterate({
    enter: ({ node, type }) => {
      if (type.isError) found.faults.push(`${node.from}: ${expression.slice(node.from, node.from + 20)}`);
      if (type.name === "VectorSelector") {
        const matchers = [];
        node.getChild("LabelMatchers")?.cursor().iterate(({ node: inner, type: kind }) => {
          if (/LabelMatcher$/.test(kind.name)) {
            const [label, operator, value] = text(inner).match(/^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/).slice(1);
            matchers.push({ label, operator, value });
          }
        });
        found.selectors.push({ name: text(node.getChild("Identifier")), matchers });
      }
      if (type.name === "GroupingLabels") {
        found.groupings.push(...text(node).replace(/[()\s]/g, "").split(","));
      }
    },
  });
  return found;
}

console.log(JSON.stringify(JSON.parse(process.argv[2]).map(look)));
