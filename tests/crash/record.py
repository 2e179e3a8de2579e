"""The external record: what each writer sent and got acknowledged, what readers were shown, and the judgement.

Every key has one writer, and a writer's operations run in the order in which it sent them. So what a crash may
leave of a writer's keys is the state after its first p operations, for one p that is the same for all of its keys, with
p at least the number of acknowledged operations and at least what any reader was shown. Batches are single operations:
a batch in halves matches no p.
"""

import bisect
import collections

# expiry: None, FAR (some time ahead) or the due time in ms since the epoch.
State = collections.namedtuple("State", "value expiry")
FAR = "far"
# A process that reads the clock just before or after a key falls due may see either.
DUE_SLACK_MS = 30


class Contradiction(Exception):
    """Something was lost, halved or shown wrongly; the message says what."""


def shows(state, value, before_ms, after_ms):
    """Whether a read between the two moments may give this value (None: absent) when the key has that state."""
    if state is None:
        return value is None
    if state.expiry not in (None, FAR):
        if value is None:
            return after_ms >= state.expiry - DUE_SLACK_MS
        if before_ms > state.expiry + DUE_SLACK_MS:
            return False
    return value == state.value


class Record:
    """One writer's operations since the last restart. One thread calls begin and acknowledge; any thread observes.

    A place is (database, key). Operation numbers begin with 1; 0 is the state after the last restart.
    """

    def __init__(self, name, database, recovered):
        self.name = name
        self.database = database
        self.base = dict(recovered)
        self.state = dict(recovered)  # after all operations sent
        self.operations = []  # (words for people, {place: State or None})
        self.acknowledged = 0
        self.shown = 0  # readers were shown the state after this operation, or a later one
        self.shown_by = ""
        self.history = {place: [(0, state)] for place, state in recovered.items()}
        self.counts = [self._count()]

    def _count(self):
        return sum(1 for database, _ in self.state if database == self.database)

    def begin(self, words, changes):
        """Notes an operation that is about to be sent."""
        number = len(self.operations) + 1
        for place, state in changes.items():
            self.history.setdefault(place, [(0, None)]).append((number, state))
            if state is None:
                self.state.pop(place, None)
            else:
                self.state[place] = state
        self.counts.append(self._count())
        self.operations.append((words, changes))

    def acknowledge(self, count):
        """The replies of the next operations have arrived."""
        self.acknowledged += count

    def state_of(self, place, number):
        history = self.history.get(place, [(0, None)])
        return history[bisect.bisect_right(history, number, key=lambda entry: entry[0]) - 1][1]

    def _note_shown(self, number, what):
        if number > self.shown:
            self.shown, self.shown_by = number, what

    def observe(self, shown, lower, before_ms, after_ms):
        """A reader got {place: value or None} at one moment; `lower` was acknowledged before it asked."""
        upper = len(self.operations)
        candidates = {lower}
        for place in shown:
            candidates.update(number for number, _ in list(self.history.get(place, [])) if lower < number <= upper)
        for number in sorted(candidates):
            if all(shows(self.state_of(place, number), value, before_ms, after_ms) for place, value in shown.items()):
                self._note_shown(number, f"{shown!r}"[:300])
                return
        raise Contradiction(f"{self.name}: a reader was shown {shown!r}, which was true at no operation from {lower} to {upper}")

    def observe_count(self, count, lower):
        """A reader got DBSIZE of this writer's database."""
        upper = len(self.operations)
        for number in range(lower, upper + 1):
            if self.counts[number] == count:
                self._note_shown(number, f"DBSIZE {count}")
                return
        raise Contradiction(f"{self.name}: a reader was shown DBSIZE {count}, known are {self.counts[lower:upper + 1]}")

    def judge(self, recovered, before_ms, after_ms):
        """The p that the recovered {place: (value, PTTL)} shows; raises Contradiction if there is none."""
        lower = max(self.acknowledged, self.shown)
        places = set(self.history) | set(recovered)
        closest = None
        for number in range(lower, len(self.operations) + 1):
            wrong = [place for place in places
                     if not self._matches(self.state_of(place, number), recovered.get(place), before_ms, after_ms)]
            if not wrong:
                return number
            if closest is None or len(wrong) < len(closest[1]):
                closest = (number, wrong)
        raise Contradiction(self._explain(recovered, *closest))

    @staticmethod
    def _matches(state, found, before_ms, after_ms):
        if found is None:
            return shows(state, None, before_ms, after_ms)
        value, ttl_ms = found
        if state is None or not shows(state, value, before_ms, after_ms):
            return False
        return (state.expiry is None) == (ttl_ms == -1)

    def _explain(self, recovered, number, wrong):
        lines = [f"{self.name}: {len(self.operations)} operations sent, {self.acknowledged} acknowledged, {self.shown} shown "
                 f"({self.shown_by}); the closest state is that after {number}, wrong at {len(wrong)} keys:"]
        for place in wrong[:8]:
            lines.append(f"  {place}: expected {str(self.state_of(place, number))[:200]}, found {str(recovered.get(place))[:200]}, "
                         f"changed by {[entry[0] for entry in self.history.get(place, [])][-6:]}")
        begin = max(0, self.acknowledged - 3)
        for offset, (words, _) in enumerate(self.operations[begin:begin + 12]):
            lines.append(f"  operation {begin + offset + 1}: {words[:200]}")
        return "\n".join(lines)


def recovered_base(recovered):
    """The {place: State} with which the next round begins; keys with a short expiry must be gone by then."""
    return {place: State(value, None if ttl_ms == -1 else FAR) for place, (value, ttl_ms) in recovered.items()}
