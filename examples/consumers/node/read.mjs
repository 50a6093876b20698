// KAFKA=localhost:9092 node read.mjs ACCOUNT USER
// Prints the user's busy times whenever they may have changed. Needs kafkajs: npm install.
import { randomUUID } from "node:crypto";
import { Kafka } from "kafkajs";
import { BlockedTimes } from "./blocked-times.mjs";

const [account, user] = process.argv.slice(2);
const table = new BlockedTimes();
// All is kept in memory, so each start reads from the beginning, in a group of its own.
const consumer = new Kafka({ brokers: process.env.KAFKA.split(",") }).consumer({ groupId: `blocked-times-${randomUUID()}` });
await consumer.connect();
await consumer.subscribe({ topics: ["calendar.connections.v1", "icloud.events.v1"], fromBeginning: true });
await consumer.run({
  eachBatch: async ({ batch }) => {
    for (const { key, headers, value } of batch.messages) {
      const said = Object.fromEntries(Object.entries(headers ?? {}).map(([name, content]) => [name, content?.toString()]));
      table.takeOrPutAside({ topic: batch.topic, key: key?.toString() ?? "", headers: said, value: value?.toString() ?? null });
    }
    console.log(JSON.stringify(table.of(account, user)));
  },
});
