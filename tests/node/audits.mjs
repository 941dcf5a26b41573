// Runs every audit of graphql-http against the address that is given, and tells of each as JSON.
import { serverAudits } from "graphql-http";

const [url] = process.argv.slice(2);
const told = [];
for (const { id, name, fn } of serverAudits({ url })) {
  const { status, reason } = await fn();
  told.push({ id, name, status, reason: reason ?? null });
}
console.log(JSON.stringify(told));
