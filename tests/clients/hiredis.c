/* hiredis against the daemon: the C client that many others are built on. Ends with 1 at the first thing that is not so. */

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static void check(int holds, const char* what, int line) {
  if (holds) return;
  fprintf(stderr, "hiredis.c:%d: not so: %s\n", line, what);
  exit(1);
}
#define CHECK(holds) check((holds), #holds, __LINE__)

static redisReply* reply_of(redisContext* context, redisReply* reply) {
  if (reply == NULL) {
    fprintf(stderr, "connection failed: %s\n", context->errstr);
    exit(1);
  }
  return reply;
}
#define COMMAND(...) reply_of(context, redisCommand(context, __VA_ARGS__))

static int text_is(const redisReply* reply, const char* bytes, size_t size) {
  return (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) && reply->len == size &&
         memcmp(reply->str, bytes, size) == 0;
}

static void strings_and_binary_values(redisContext* context) {
  char every_byte[256];
  for (int i = 0; i < 256; i++) every_byte[i] = (char)i;
  redisReply* reply = COMMAND("SET %b %b", every_byte, sizeof every_byte, every_byte, sizeof every_byte);
  CHECK(text_is(reply, "OK", 2));
  freeReplyObject(reply);
  reply = COMMAND("GET %b", every_byte, sizeof every_byte);
  CHECK(text_is(reply, every_byte, sizeof every_byte));
  freeReplyObject(reply);

  const size_t big_bytes = 16u << 20;
  char* big = malloc(big_bytes);
  for (size_t i = 0; i < big_bytes; i++) big[i] = (char)(i * 31 >> 3);
  freeReplyObject(COMMAND("SET big %b", big, big_bytes));
  reply = COMMAND("GET big");
  CHECK(text_is(reply, big, big_bytes));
  freeReplyObject(reply);
  free(big);

  reply = COMMAND("GET nothing");
  CHECK(reply->type == REDIS_REPLY_NIL);
  freeReplyObject(reply);
}

static void pipelines(redisContext* context) {
  enum { depth = 10000 };
  for (int i = 0; i < depth; i++) CHECK(redisAppendCommand(context, "INCR counter") == REDIS_OK);
  for (int i = 1; i <= depth; i++) {
    redisReply* reply = NULL;
    CHECK(redisGetReply(context, (void**)&reply) == REDIS_OK);
    CHECK(reply->type == REDIS_REPLY_INTEGER && reply->integer == i);
    freeReplyObject(reply);
  }
}

static void arrays_and_errors(redisContext* context) {
  freeReplyObject(COMMAND("MSET a 1 b 2"));
  redisReply* reply = COMMAND("MGET a nothing b");
  CHECK(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3);
  CHECK(text_is(reply->element[0], "1", 1) && text_is(reply->element[2], "2", 1));
  CHECK(reply->element[1]->type == REDIS_REPLY_NIL);
  freeReplyObject(reply);

  reply = COMMAND("INCRBY a notanumber");
  CHECK(reply->type == REDIS_REPLY_ERROR);
  CHECK(strcmp(reply->str, "ERR value is not an integer or out of range") == 0);
  freeReplyObject(reply);
  reply = COMMAND("NOSUCH x");
  CHECK(reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "ERR unknown command 'NOSUCH'", 28) == 0);
  freeReplyObject(reply);
}

static void expiry_and_buckets(redisContext* context) {
  freeReplyObject(COMMAND("SET k v PX 100000"));
  redisReply* reply = COMMAND("PTTL k");
  CHECK(reply->type == REDIS_REPLY_INTEGER && reply->integer > 50000 && reply->integer <= 100000);
  freeReplyObject(reply);
  reply = COMMAND("SELECT 3");
  CHECK(text_is(reply, "OK", 2));
  freeReplyObject(reply);
  reply = COMMAND("EXISTS k");
  CHECK(reply->type == REDIS_REPLY_INTEGER && reply->integer == 0);
  freeReplyObject(reply);
}

#ifdef REDIS_REPLY_MAP
static void resp3(redisContext* context) {
  redisReply* reply = COMMAND("HELLO 3");
  CHECK(reply->type == REDIS_REPLY_MAP && reply->elements % 2 == 0);
  freeReplyObject(reply);
  reply = COMMAND("GET nothing");
  CHECK(reply->type == REDIS_REPLY_NIL);
  freeReplyObject(reply);
}
#endif

int main(void) {
  const struct timeval timeout = {30, 0};
  redisContext* context = redisConnectWithTimeout("127.0.0.1", atoi(getenv("CLIENT_TEST_PORT")), timeout);
  CHECK(context != NULL && context->err == 0);
  CHECK(redisSetTimeout(context, timeout) == REDIS_OK);
  strings_and_binary_values(context);
  pipelines(context);
  arrays_and_errors(context);
  expiry_and_buckets(context);
#ifdef REDIS_REPLY_MAP
  resp3(context);
#endif
  redisFree(context);
  return 0;
}
