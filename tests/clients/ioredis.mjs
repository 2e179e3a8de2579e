// ioredis against the daemon, in RESP2 and, from its version 6 on, RESP3.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";

const port = Number(process.env.CLIENT_TEST_PORT);
const { version } = JSON.parse(readFileSync(new URL("node_modules/ioredis/package.json", import.meta.url)));
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

async function strings(redis) {
  assert.equal(await redis.set("a", "1"), "OK");
  assert.equal(await redis.set("a", "2", "NX"), null);
  assert.equal(await redis.incrby("a", 41), 42);
  assert.deepEqual(await redis.mget("a", "nothing"), ["42", null]);
  assert.equal(await redis.set(everyByte, everyByte), "OK");
  assert.deepEqual(await redis.getBuffer(everyByte), everyByte);
  const big = Buffer.alloc(5_000_000, "sett\r\n");
  await redis.set("big", big);
  assert.ok((await redis.getBuffer("big")).equals(big));
}

async function expiry(redis) {
  await redis.set("k", "v", "EX", 100);
  assert.ok([99, 100].includes(await redis.ttl("k")));
  assert.equal(await redis.persist("k"), 1);
  assert.equal(await redis.pttl("k"), -1);
  await redis.expireat("k", 1);
  assert.equal(await redis.get("k"), null);
}

async function scans(redis) {
  const names = Array.from({ length: 2500 }, (_, i) => `key:${i}`);
  await redis.mset(...names.flatMap((name) => [name, "v"]));
  const found = new Set();
  for await (const page of redis.scanStream({ match: "key:*", count: 200 })) page.forEach((name) => found.add(name));
  assert.equal(found.size, names.length);
}

async function pipelines(redis) {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 3000; i++) pipeline.incr("n");
  const replies = await pipeline.exec();
  assert.deepEqual(replies.map(([error, value]) => error ?? value), Array.from({ length: 3000 }, (_, i) => i + 1));
  const mixed = await redis.pipeline().set("text", "no number").incr("text").get("text").exec();
  assert.match(mixed[1][0].message, /value is not an integer or out of range/);
  assert.equal(mixed[2][1], "no number");
}

async function errors(redis) {
  await assert.rejects(redis.call("NOSUCH", "x"), /unknown command 'NOSUCH', with args beginning with: 'x'/);
  await assert.rejects(redis.call("GET"), /wrong number of arguments for 'get' command/);
  await assert.rejects(redis.select(99999), /DB index is out of range/);
  assert.equal(await redis.ping(), "PONG");
}

async function introspection(redis) {
  const info = await redis.info();
  assert.match(info, /^# Server\r\n/);
  assert.match(info, /\r\nredis_mode:standalone\r\n/);
  assert.match(info, /\r\nloading:0\r\n/);
  assert.equal(await redis.client("GETNAME"), "suite");
  assert.ok((await redis.command("COUNT")) > 50);
  assert.ok(Array.isArray((await redis.command("INFO", "get"))[0]));
}

async function buckets(redis, options) {
  const other = new Redis({ ...options, db: 4 });
  await redis.set("k", "zero");
  await other.set("k", "four");
  assert.equal(await redis.get("k"), "zero");
  assert.equal(await other.get("k"), "four");
  assert.equal(await other.dbsize(), 1);
  await other.quit();
}

const suites = { strings, expiry, scans, pipelines, errors, introspection, buckets };
for (const protocol of Number(version.split(".")[0]) >= 6 ? [2, 3] : [undefined]) {
  const options = { host: "127.0.0.1", port, protocol, connectionName: "suite", maxRetriesPerRequest: 2 };
  for (const [name, suite] of Object.entries(suites)) {
    const redis = new Redis(options);
    redis.on("error", (error) => console.log(`connection, ${name}:`, error.message));
    try {
      await redis.flushall();
      await suite(redis, options);
    } catch (error) {
      console.log(`ioredis ${version}, protocol ${protocol ?? "default"}, ${name}:`, error);
      process.exitCode = 1;
    }
    redis.disconnect();
  }
}
