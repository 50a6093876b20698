// node replay.mjs ACCOUNT USER < messages.json
// The same table from messages as shared/schemas/examples holds them: a JSON array of them on standard input.
import { readFileSync } from "node:fs";
import { BlockedTimes } from "./blocked-times.mjs";

const [account, user] = process.argv.slice(2);
const table = new BlockedTimes();
for (const message of JSON.parse(readFileSync(0, "utf8"))) table.takeOrPutAside(message);
console.log(JSON.stringify(table.of(account, user)));
