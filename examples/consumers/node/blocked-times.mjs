// When each user is busy, kept from the topics alone. No dependency: records in, busy times out.
// A record is {topic, key, headers, value}: headers an object of strings, value the JSON text, or null for a tombstone.

const PREFIX = "com.crococlick.calendar.";
const SETUPS = ["CalendarConnected.v1", "CalendarReconnected.v1", "CalendarSetupChanged.v1"];
const FINALITY = { "ICloudEventRemoved.v1": 1, "CalendarDisconnected.v1": 1, "Tombstone.v1": 2 };
const KNOWN = [...SETUPS, "ICloudEventImported.v1", ...Object.keys(FINALITY)];
const CONNECTIONS = "calendar.connections.v1";
const EVENTS = "icloud.events.v1";

const must = (holds, what) => {
  if (!holds) throw new Error(`${what} is missing or wrong`);
};

// What a record says; null for a type that is not known here, also one that a newer writer brought. Throws for what breaks
// the contract, as far as this table uses it: shared/schemas has all of it, as JSON Schema. Fields not known are passed over.
const read = ({ topic, key, headers, value }) => {
  must(typeof headers.ce_type === "string", "header ce_type");
  const type = value ? headers.ce_type.slice(PREFIX.length) : "Tombstone.v1";
  if (!KNOWN.includes(type)) return null;
  const said = value ? JSON.parse(value) : { epoch: Number(headers.ce_epoch), revision: Number(headers.ce_revision) };
  const version = [said.epoch, said.revision, FINALITY[type] ?? 0];
  must(version.every(Number.isInteger), "epoch or revision");
  if (!value) return { type, id: key, version, said };
  must(topic === (type.startsWith("Calendar") ? CONNECTIONS : EVENTS), "its topic");
  const id = topic === EVENTS ? said.event_id : said.connection_id;
  must(typeof id === "string" && typeof said.connection_id === "string", "id");
  if (SETUPS.includes(type)) must(said.setup.conflict_calendars.every((one) => one.id), "conflict_calendars");
  if (type === "ICloudEventImported.v1")
    must(said.occurrences.every((group) => group.spans.every((span) => span.every(Number.isInteger))), "occurrences");
  return { type, id, version, said };
};

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
  // Throws for what breaks the contract, and is then as it was before.
  take(record) {
    const told = read(record);
    if (!told) return;
    const { type, id, version, said } = told;
    const place = `${record.topic} ${id}`;
    if (!isNewer(version, this.#versions.get(place) ?? [0, 0, 0])) return;
    this.#versions.set(place, version);
    if (record.topic === CONNECTIONS) this.#connection(type, id, said);
    else if (record.topic === EVENTS) this.#event(type, id, said);
  }

  // One bad record costs itself only: here it is printed; keep yours where they last, and tell us.
  takeOrPutAside(record) {
    try {
      this.take(record);
    } catch (reason) {
      console.error(`put aside: ${reason.message}: ${JSON.stringify(record)}`);
    }
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
