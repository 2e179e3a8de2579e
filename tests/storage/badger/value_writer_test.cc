// Large values on their way into value logs: places, rotation, a disk that is full or fails.
#include "storage/badger/value_writer.h"

#include <catch2/catch.hpp>

#include "storage/io/simulated_file_system.h"
#include "storage/keys/tree_key.h"
#include "storage/vlog/vlog_reader.h"

using namespace sett::storage;
using namespace sett::storage::vlog_format;
using Room = Journal::Room;

namespace {

constexpr BucketId bucket = 1 << 16;

struct Writing {
  explicit Writing(uint64_t file_bytes = 4096, uint64_t records_max = 100) {
    REQUIRE(files.create_directories("/db/values"));
    ValueWriterOptions options{.directory = "/db/values",
                               .value_threshold = 10,
                               .file_bytes = file_bytes,
                               .records_max = records_max,
                               .queue_bytes_max = 8192};
    options.next_number = [this] { return next_number++; };
    options.wake = [this] { ++wakes; };
    writer = std::make_unique<ValueWriter>(files, options, 3);
  }
  // One large put; what became of it.
  Room put(const std::string& value, ValuePointer& pointer, Room log_room = Room::ok) {
    std::array<Mutation, 1> batch{Mutation{.kind = Mutation::Kind::put, .bucket = bucket, .key = "k", .value = value}};
    const auto appended = writer->commit(batch, [&] {
      REQUIRE(batch[0].kind == Mutation::Kind::put_pointer);
      REQUIRE(writer->has_unwritten());
      return Journal::Appended{log_room, log_room == Room::ok ? ++sequence : 0};
    });
    REQUIRE((batch[0].kind == Mutation::Kind::put_pointer) == (appended.room == Room::ok));
    REQUIRE(batch[0].value == value);
    pointer = batch[0].pointer;
    return appended.room;
  }
  // As who is told to wait does.
  ValuePointer put_in_the_end(const std::string& value) {
    ValuePointer pointer;
    for (int tries = 0; tries < 5; ++tries) {
      const Room room = put(value, pointer);
      if (room == Room::ok) return pointer;
      REQUIRE(room == Room::hold);
      REQUIRE(std::exchange(wakes, 0) > 0);
      REQUIRE(writer->write());
      REQUIRE(writer->prepare());
    }
    FAIL("there is never room");
    return pointer;
  }
  std::string read(const ValuePointer& pointer) {
    const auto path = join_path("/db/values", vlog_file_name(pointer.file));
    auto reader = VlogReader::open(files, path, pointer.file);
    REQUIRE(reader);
    auto value = (*reader)->read(pointer.offset, tree_key(bucket, "k"), pointer.value_bytes);
    INFO(value.status().to_string());
    REQUIRE(value);
    return *value;
  }
  ValueWriter::File file(uint64_t number) {
    for (const auto& one : writer->files())
      if (one.number == number) return one;
    FAIL("file " << number << " is not known");
    return {};
  }

  SimulatedFileSystem files;
  uint64_t next_number = 5, wakes = 0;
  Sequence sequence = 0;
  std::unique_ptr<ValueWriter> writer;
};

std::string value_of_bytes(uint64_t bytes, char fill) {
  return std::string(bytes, fill);
}

}  // namespace

TEST_CASE("value writer: values lie where their places are, over many files", "[badger][value_writer]") {
  Writing with(4096, 7);
  std::vector<std::pair<ValuePointer, std::string>> all;
  for (uint64_t i = 0; i < 40; ++i) {
    const std::string value = value_of_bytes(i == 20 ? 9000 : 11 + i * 37 % 900, static_cast<char>('a' + i % 26));
    all.emplace_back(with.put_in_the_end(value), value);
    if (i % 3 == 0) REQUIRE(with.writer->write());
    if (i % 5 == 0) REQUIRE(with.writer->sync());
  }
  REQUIRE(with.writer->close());
  std::map<uint64_t, uint64_t> records, bytes;
  for (const auto& [pointer, value] : all) {
    REQUIRE(with.read(pointer) == value);
    ++records[pointer.file];
    bytes[pointer.file] += record_bytes(tree_key(bucket, "k").size(), value.size());
  }
  REQUIRE(records.size() > 5);
  for (const auto& [number, count] : records) {
    REQUIRE(count <= 7);
    const auto file = with.file(number);
    REQUIRE(file.sealed);
    REQUIRE(file.bytes == file_header_bytes + bytes[number]);
    REQUIRE((file.bytes <= 4096 || count == 1));
    // What was allocated and not used went back.
    REQUIRE(with.files.content(join_path("/db/values", vlog_file_name(number))).size() == file.bytes);
  }
}

TEST_CASE("value writer: a record that finds no room in the log leaves everything as it was",
          "[badger][value_writer]") {
  Writing with;
  const ValuePointer first = with.put_in_the_end(value_of_bytes(100, 'a'));
  REQUIRE(with.writer->write());
  ValuePointer pointer;
  for (const Room room : {Room::hold, Room::no_space, Room::failed}) {
    REQUIRE(with.put(value_of_bytes(200, 'b'), pointer, room) == room);
    REQUIRE_FALSE(with.writer->has_unwritten());
  }
  const ValuePointer second = with.put_in_the_end(value_of_bytes(50, 'c'));
  REQUIRE(second.file == first.file);
  REQUIRE(second.offset == first.offset + record_bytes(tree_key(bucket, "k").size(), 100));
  REQUIRE(with.writer->close());
  REQUIRE(with.read(second) == value_of_bytes(50, 'c'));
}

TEST_CASE("value writer: what the manifest may say of the active file is on disk", "[badger][value_writer]") {
  Writing with;
  const ValuePointer first = with.put_in_the_end(value_of_bytes(100, 'a'));
  REQUIRE(with.file(first.file).bytes == file_header_bytes);
  REQUIRE(with.writer->write());
  REQUIRE(with.file(first.file).bytes == file_header_bytes);
  REQUIRE(with.writer->sync());
  const uint64_t synced = with.file(first.file).bytes;
  REQUIRE(synced == first.offset + record_bytes(tree_key(bucket, "k").size(), 100));
  with.put_in_the_end(value_of_bytes(300, 'b'));
  REQUIRE(with.writer->write());
  REQUIRE(with.file(first.file).bytes == synced);
  for (const auto policy : crash_policies) {
    const auto image = with.files.crash(policy, 1);
    REQUIRE(image->content(join_path("/db/values", vlog_file_name(first.file))).size() >= synced);
  }
}

TEST_CASE("value writer: a full disk refuses, and space makes it go on", "[badger][value_writer]") {
  Writing with;
  REQUIRE(with.writer->prepare());
  const ValuePointer first = with.put_in_the_end(value_of_bytes(300, 'a'));
  const bool rotates = GENERATE(false, true);
  const std::string large = value_of_bytes(rotates ? 4000 : 2000, 'b');
  with.files.set_capacity(with.files.used_bytes() + 200);
  ValuePointer pointer;
  REQUIRE(with.put(large, pointer) == Room::hold);
  REQUIRE(with.writer->prepare().kind() == ErrorKind::no_space);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(with.put(large, pointer) == Room::no_space);
    REQUIRE(with.writer->prepare().kind() == ErrorKind::no_space);
  }
  REQUIRE(with.writer->write());
  REQUIRE(with.writer->sync());
  REQUIRE(with.read(first) == value_of_bytes(300, 'a'));
  with.files.set_capacity(SimulatedFileSystem::unlimited);
  with.wakes = 0;
  REQUIRE(with.put(large, pointer) == Room::no_space);  // it is not known yet
  REQUIRE(with.wakes == 1);
  REQUIRE(with.writer->prepare());
  REQUIRE(with.put(large, pointer) == Room::ok);
  REQUIRE((pointer.file != first.file) == rotates);
  REQUIRE(with.writer->close());
  REQUIRE(with.read(pointer) == large);
  // Files that could not be begun are gone.
  REQUIRE(with.files.list("/db/values").value().size() == (rotates ? 2 : 1));
}

TEST_CASE("value writer: what fails once is never written to again", "[badger][value_writer]") {
  const bool at_sync = GENERATE(false, true);
  Writing with;
  with.put_in_the_end(value_of_bytes(100, 'a'));
  if (at_sync) REQUIRE(with.writer->write());
  with.files.inject({});
  REQUIRE((at_sync ? with.writer->sync() : with.writer->write()).kind() == ErrorKind::io);
  REQUIRE(with.writer->write().kind() == ErrorKind::io);
  REQUIRE(with.writer->sync().kind() == ErrorKind::io);
}

TEST_CASE("value writer: values are unwritten until they are written", "[badger][value_writer]") {
  Writing with;
  with.put_in_the_end(value_of_bytes(100, 'a'));
  with.files.inject({.call = SimulatedFileSystem::Call::append});
  REQUIRE_FALSE(with.writer->write());
  REQUIRE(with.writer->has_unwritten());  // no loop may write the record
}

TEST_CASE("value writer: when a file is settled", "[badger][value_writer]") {
  Writing with;
  const ValuePointer first = with.put_in_the_end(value_of_bytes(100, 'a'));
  REQUIRE_FALSE(with.writer->is_settled(first.file, 1000));  // the active one
  with.writer->rotate();
  REQUIRE(with.writer->prepare());
  REQUIRE(with.file(first.file).sealed);
  REQUIRE_FALSE(with.writer->is_settled(first.file, 0));
  REQUIRE(with.writer->is_settled(first.file, 1));
  with.writer->forget(first.file);
  REQUIRE(with.writer->files().size() == 1);
  REQUIRE_FALSE(with.writer->is_settled(first.file, 0));  // flushed or not does not depend on who knows the file
  with.writer->note_record(77, 9);
  REQUIRE_FALSE(with.writer->is_settled(77, 8));
  REQUIRE(with.writer->is_settled(77, 9));
  // An empty file need not be followed by another.
  with.writer->rotate();
  REQUIRE(with.writer->prepare());
  REQUIRE(with.writer->files().size() == 1);
}
