// node-redis (the npm package "redis") against the daemon, in RESP2 and RESP3.
import assert from "node:assert/strict";
import { createClient, RESP_TYPES } from "redis";

const port = Number(process.env.CLIENT_TEST_PORT);
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

async function strings(redis) {
  assert.equal(await redis.set("a", "1"), "OK");
  assert.equal(await redis.sendCommand(["SET", "a", "2", "NX"]), null);
  assert.equal(await redis.incrBy("a", 41), 42);
  assert.deepEqual(await redis.mGet(["a", "nothing"]), ["42", null]);
  assert.equal(await redis.append("a", "!"), 3);
  const buffers = redis.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  await redis.set(everyByte, everyByte);
  assert.deepEqual(await buffers.get(everyByte), everyByte);
  const big = Buffer.alloc(5_000_000, "sett\r\n");
  await redis.set("big", big);
  assert.ok((await buffers.get("big")).equals(big));
}

async function expiry(redis) {
  await redis.sendCommand(["SET", "k", "v", "EX", "100"]);
  assert.ok([99, 100].includes(await redis.ttl("k")));
  assert.equal(Number(await redis.persist("k")), 1);
  assert.equal(await redis.pTTL("k"), -1);
  await redis.pExpireAt("k", 1);
  assert.equal(await redis.get("k"), null);
}

async function scans(redis) {
  const names = Array.from({ length: 2500 }, (_, i) => `key:${i}`);
  await redis.mSet(Object.fromEntries(names.map((name) => [name, "v"])));
  const found = new Set();
  for await (const page of redis.scanIterator({ MATCH: "key:*", COUNT: 200, TYPE: "string" }))
    [page].flat().forEach((name) => found.add(name));
  assert.equal(found.size, names.length);
}

async function pipelines(redis) {
  const replies = await Promise.all(Array.from({ length: 3000 }, () => redis.incr("n")));
  assert.deepEqual(replies, Array.from({ length: 3000 }, (_, i) => i + 1));
  const [, refused, text] = await Promise.allSettled([redis.set("text", "no number"), redis.incr("text"), redis.get("text")]);
  assert.match(refused.reason.message, /value is not an integer or out of range/);
  assert.equal(text.value, "no number");
}

async function errors(redis) {
  await assert.rejects(redis.sendCommand(["NOSUCH", "x"]), /unknown command 'NOSUCH', with args beginning with: 'x'/);
  await assert.rejects(redis.sendCommand(["GET"]), /wrong number of arguments for 'get' command/);
  await assert.rejects(redis.sendCommand(["SELECT", "99999"]), /DB index is out of range/);
  assert.equal(await redis.ping(), "PONG");
}

async function introspection(redis, protocol) {
  assert.match(await redis.info(), /\r\nredis_mode:standalone\r\n/);
  const config = await redis.sendCommand(["CONFIG", "GET", "databases"]);
  if (protocol === 3) assert.equal(config.databases ?? config.get?.("databases"), "16");
  else assert.deepEqual(config, ["databases", "16"]);
  assert.equal(await redis.clientGetName(), "suite");
  assert.ok((await redis.commandCount()) > 50);
  assert.ok((await redis.time()) !== null);
}

async function buckets(redis, protocol, options) {
  const other = createClient({ ...options, database: 4 });
  await other.connect();
  await redis.set("k", "zero");
  await other.set("k", "four");
  assert.equal(await redis.get("k"), "zero");
  assert.equal(await other.get("k"), "four");
  assert.equal(await other.dbSize(), 1);
  other.destroy();
}

const suites = { strings, expiry, scans, pipelines, errors, introspection, buckets };
for (const protocol of [2, 3]) {
  const socket = { host: "127.0.0.1", port, reconnectStrategy: false };
  const options = { socket, RESP: protocol, name: "suite", maintNotifications: "disabled" };
  for (const [name, suite] of Object.entries(suites)) {
    const redis = createClient(options);
    redis.on("error", (error) => console.log(`connection, ${name}:`, error.message));
    try {
      await redis.connect();
      await redis.flushAll();
      await suite(redis, protocol, options);
    } catch (error) {
      console.log(`node-redis, protocol ${protocol}, ${name}:`, error);
      process.exitCode = 1;
    }
    redis.destroy();
  }
}
