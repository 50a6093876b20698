// When each user is busy, kept from the topics alone. No dependency: records in, busy times out.
// A record is {topic, key, headers, value}: headers an object of strings, value the JSON text, or null for a tombstone.

const PREFIX = "com.crococlick.calendar.";
const SETUPS = ["CalendarConnected.v1", "CalendarReconnected.v1", "CalendarSetupChanged.v1"];
const FINALITY = { "ICloudEventRemoved.v1": 1, "CalendarDisconnected.v1": 1, "Tombstone.v1": 2 };
const KNOWN = [...SETUPS, "ICloudEventImported.v1", ...Object.keys(FINALITY)];

const isNewer = (one, other) => {
  const at = one.findIndex((number, place) => number !== other[place]);
  return at >= 0 && one[at] > other[at];
};

export class BlockedTimes {
  #versions = new Map(); // "topic key" -> [epoch, revision, finality]
  #setups = new Map(); // connection id -> the newest setup
  #imported = new Map(); // event id -> the newest event
  #over = new Set(); // connections that have ended, for good

  // The newest of every key; equal or older records change nothing, so their order and number do not matter.
  take({ topic, key, headers, value }) {
    const type = headers.ce_type.slice(PREFIX.length);
    if (!KNOWN.includes(type)) return; // also what a newer writer brought
    const version = [Number(headers.ce_epoch), Number(headers.ce_revision), FINALITY[type] ?? 0];
    const place = `${topic} ${key}`;
    if (!isNewer(version, this.#versions.get(place) ?? [0, 0, 0])) return;
    this.#versions.set(place, version);
    const said = value ? JSON.parse(value) : null; // fields that are not known here are passed over
    if (topic === "calendar.connections.v1") this.#connection(type, key, said);
    else if (topic === "icloud.events.v1") this.#event(type, key, said);
  }

  #connection(type, id, said) {
    if (SETUPS.includes(type)) {
      if (!this.#over.has(id)) this.#setups.set(id, said);
      return;
    }
    this.#over.add(id); // the end is final: nothing of it comes back
    this.#setups.delete(id);
    for (const [key, event] of this.#imported) if (event.connection_id === id) this.#imported.delete(key);
  }

  #event(type, id, said) {
    this.#imported.delete(id);
    if (type === "ICloudEventImported.v1" && !this.#over.has(said.connection_id)) this.#imported.set(id, said);
  }

  // The user's busy times in epoch seconds: half-open, sorted, not merged.
  of(account, user) {
    return [...this.#imported.values()]
      .filter((event) => event.account_id === account && event.user_id === user)
      .flatMap((event) => event.occurrences.filter((group) => this.#blocks(event, group.facts ?? {})))
      .flatMap((group) => group.spans)
      .sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  }

  #blocks(event, facts) {
    const calendars = this.#setups.get(event.connection_id)?.setup.conflict_calendars ?? [];
    const calendar = calendars.find((one) => one.id === event.calendar_id);
    if (!calendar || facts.cancelled || facts.declined || facts.own_appointment) return false;
    const rule = calendar.all_day ?? "as_marked";
    if (facts.all_day && rule !== "as_marked") return rule === "always_block";
    return !facts.transparent;
  }
}
