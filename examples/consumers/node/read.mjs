// KAFKA=localhost:9092 node read.mjs ACCOUNT USER
// Prints the user's busy times whenever they may have changed, until it is stopped (Ctrl-C). Needs kafkajs: npm install.
import { randomUUID } from "node:crypto";
import { BlockedTimes } from "./blocked-times.mjs";

const stop = (why) => {
  console.error(why);
  process.exit(1);
};

const [account, user] = process.argv.slice(2);
const servers = process.env.KAFKA;
if (!servers || !user) stop("Where is Kafka, and whose times? KAFKA=localhost:9092 node read.mjs ACCOUNT USER");
const { Kafka, logLevel } = await import("kafkajs").catch(() => stop("kafkajs is not here: npm install"));

const table = new BlockedTimes();
// All is kept in memory, so each start reads from the beginning, in a group of its own.
const kafka = new Kafka({ brokers: servers.split(","), logLevel: logLevel.NOTHING });
const consumer = kafka.consumer({ groupId: `blocked-times-${randomUUID()}` });
consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || stop(`Kafka cannot be read: ${payload.error.message}`));
await consumer.connect().catch(() => stop(`There is no Kafka at ${servers}, which KAFKA names.`));
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
