/**
 * The present in whole milliseconds since the epoch, as SQLite computes it. Not `unixepoch('subsec')`: that is null
 * before SQLite 3.42, and a column default runs in the library of whoever inserts (Debian 12 has 3.40).
 */
export const SQLITE_NOW = "(cast(round((julianday('now') - 2440587.5) * 86400000.0) as integer))"
