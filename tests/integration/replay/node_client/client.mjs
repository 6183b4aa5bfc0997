// Subscribes with the official client, asks everything that it can ask, prints what came.
// Usage: node client.mjs ENDPOINT TOKEN TRANSACTIONS BLOCKS
import Client from "@triton-one/yellowstone-grpc";

const [endpoint, token, wanted, blocks] = process.argv.slice(2);
const client = new Client(endpoint, token, {
  grpcMaxDecodingMessageSize: 64 * 1024 * 1024,
});
await client.connect();
const version = await client.getVersion();
const stream = await client.subscribe();
const found = { version, transactions: 0, slots: 0, blocksMeta: 0, pong: null, signatures: [] };

const nothing = {
  accounts: {},
  slots: {},
  transactions: {},
  transactionsStatus: {},
  blocks: {},
  blocksMeta: {},
  entry: {},
  accountsDataSlice: [],
};
const request = {
  ...nothing,
  slots: { slots: {} },
  transactions: { all: { accountInclude: [], accountExclude: [], accountRequired: [] } },
  blocksMeta: { metas: {} },
  commitment: 1,
};

const complete = () =>
  found.transactions >= Number(wanted) && found.pong !== null &&
  Math.min(found.slots, found.blocksMeta) >= Number(blocks);
const done = new Promise((resolve, reject) => {
  stream.on("error", reject);
  stream.on("data", (update) => {
    if (update.transaction) {
      found.transactions += 1;
      found.signatures.push(Buffer.from(update.transaction.transaction.signature).toString("hex"));
    }
    if (update.slot) found.slots += 1;
    if (update.blockMeta) found.blocksMeta += 1;
    if (update.pong) found.pong = update.pong.id;
    if (complete()) resolve();
  });
});
const write = (message) =>
  new Promise((resolve, reject) =>
    stream.write(message, (error) => (error ? reject(error) : resolve())),
  );
await write(request);
await write({ ...nothing, ping: { id: 7 } });
await done;
found.replay = await client.subscribeReplayInfo({});
// The stream keeps the process alive: end it, but not before everything is written.
process.stdout.write(JSON.stringify(found), () => process.exit(0));
