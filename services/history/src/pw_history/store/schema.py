"""The tables, and how a file of an earlier version becomes one of this version."""

from __future__ import annotations

from typing import Final

import duckdb

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
# Each step is a version; a file that is new takes them all. They are only ever added to.
#
# Of a swap, `fee_payer` is null where it is the trader, and `signers` where it is the fee payer
# alone: most are, and each would be 44 letters more. `signature_hash` is what a search for a
# signature looks through: four bytes in place of 88.
MIGRATIONS: Final = (
    """
    CREATE TABLE position (
        swap_stream_created VARCHAR NOT NULL,
        restart_seq BIGINT NOT NULL,
        restart_incarnation BIGINT NOT NULL,
        restart_tx_seq BIGINT NOT NULL,
        restart_former VARCHAR[] NOT NULL,
        restart_session INTEGER NOT NULL,
        restart_time_ms BIGINT NOT NULL,
        read_seq BIGINT NOT NULL,
        read_time_ms BIGINT NOT NULL,
        slot UBIGINT NOT NULL,
        event_time_ms BIGINT NOT NULL
    );
    CREATE TABLE sessions (
        number INTEGER PRIMARY KEY,
        began_slot UBIGINT NOT NULL,
        began_ms BIGINT NOT NULL
    );
    CREATE TABLE open_rows (
        session INTEGER NOT NULL,
        slot UBIGINT NOT NULL,
        event_time_ms BIGINT NOT NULL,
        tx_index UINTEGER NOT NULL,
        signature VARCHAR NOT NULL,
        ordinal UINTEGER NOT NULL,
        trader VARCHAR NOT NULL,
        side VARCHAR NOT NULL,
        mint VARCHAR NOT NULL,
        base_amount_raw UBIGINT NOT NULL,
        base_decimals UTINYINT NOT NULL,
        quote_mint VARCHAR,
        quote_amount_raw UBIGINT,
        quote_decimals UTINYINT,
        venues VARCHAR NOT NULL,
        route_hops UINTEGER NOT NULL,
        confidence DOUBLE NOT NULL,
        reasons VARCHAR NOT NULL,
        fee_payer VARCHAR,
        signers VARCHAR,
        amended BOOLEAN NOT NULL,
        signature_hash UINTEGER NOT NULL
    );
    CREATE TABLE closed_rows AS FROM open_rows LIMIT 0;
    CREATE VIEW closed_swaps AS SELECT * REPLACE (
        coalesce(fee_payer, trader) AS fee_payer,
        coalesce(signers, fee_payer, trader) AS signers
    ) FROM closed_rows;
    CREATE VIEW swaps AS SELECT * REPLACE (
        coalesce(fee_payer, trader) AS fee_payer,
        coalesce(signers, fee_payer, trader) AS signers
    ) FROM (FROM closed_rows UNION ALL FROM open_rows);
    CREATE TABLE minutes (
        mint VARCHAR NOT NULL,
        quote_mint VARCHAR NOT NULL,
        minute_ms BIGINT NOT NULL,
        open DOUBLE NOT NULL,
        high DOUBLE NOT NULL,
        low DOUBLE NOT NULL,
        close DOUBLE NOT NULL,
        trades UINTEGER NOT NULL,
        buys UINTEGER NOT NULL,
        buyers UINTEGER NOT NULL,
        sellers UINTEGER NOT NULL,
        bought_raw HUGEINT NOT NULL,
        sold_raw HUGEINT NOT NULL,
        spent_raw HUGEINT NOT NULL,
        received_raw HUGEINT NOT NULL
    );
    CREATE TABLE open_minutes (minute_ms BIGINT NOT NULL);
    CREATE TABLE open_hours (hour_ms BIGINT NOT NULL);
    CREATE TABLE wallet_hours (
        hour_ms BIGINT NOT NULL,
        trader VARCHAR NOT NULL,
        mint VARCHAR NOT NULL,
        quote_mint VARCHAR,
        buys UINTEGER NOT NULL,
        sells UINTEGER NOT NULL,
        bought_raw HUGEINT NOT NULL,
        sold_raw HUGEINT NOT NULL,
        spent_raw HUGEINT NOT NULL,
        received_raw HUGEINT NOT NULL,
        first_ms BIGINT NOT NULL,
        last_ms BIGINT NOT NULL
    );
    CREATE TABLE tokens (
        mint VARCHAR PRIMARY KEY,
        name VARCHAR NOT NULL,
        symbol VARCHAR NOT NULL,
        creator VARCHAR NOT NULL,
        decimals UTINYINT,
        supply_raw UBIGINT,
        program VARCHAR NOT NULL,
        signature VARCHAR NOT NULL,
        ordinal UINTEGER NOT NULL,
        slot UBIGINT NOT NULL,
        tx_index UINTEGER NOT NULL,
        event_time_ms BIGINT NOT NULL
    );
    CREATE TABLE closed_hours (
        hour_ms BIGINT PRIMARY KEY,
        revision UINTEGER NOT NULL,
        swaps UBIGINT NOT NULL
    );
    """,
    """
    CREATE TABLE clock (
        slot UBIGINT NOT NULL,
        event_time_ms BIGINT NOT NULL,
        PRIMARY KEY (slot, event_time_ms)
    );
    CREATE TABLE pool_minutes (
        pool VARCHAR NOT NULL,
        minute_ms BIGINT NOT NULL,
        venue VARCHAR NOT NULL,
        mint_a VARCHAR NOT NULL,
        mint_b VARCHAR NOT NULL,
        reserve_a_raw UBIGINT,
        reserve_b_raw UBIGINT,
        virtual_a_raw UBIGINT,
        virtual_b_raw UBIGINT,
        slot UBIGINT NOT NULL,
        tx_index UINTEGER NOT NULL,
        ordinal UINTEGER NOT NULL
    );
    CREATE TABLE pool_changes (
        pool VARCHAR NOT NULL,
        what VARCHAR NOT NULL,
        venue VARCHAR NOT NULL,
        mint_a VARCHAR NOT NULL,
        mint_b VARCHAR NOT NULL,
        amount_a_raw UBIGINT,
        amount_b_raw UBIGINT,
        shares_raw UBIGINT,
        lp_mint VARCHAR NOT NULL,
        "user" VARCHAR NOT NULL,
        to_pool VARCHAR NOT NULL,
        signature VARCHAR NOT NULL,
        ordinal UINTEGER NOT NULL,
        slot UBIGINT NOT NULL,
        tx_index UINTEGER NOT NULL,
        event_time_ms BIGINT NOT NULL,
        PRIMARY KEY (signature, ordinal)
    );
    CREATE TABLE mints (mint VARCHAR PRIMARY KEY);
    CREATE TABLE holes (
        why VARCHAR NOT NULL,
        first_slot UBIGINT NOT NULL,
        last_slot UBIGINT NOT NULL,
        first_ms BIGINT NOT NULL,
        last_ms BIGINT NOT NULL,
        PRIMARY KEY (why, first_slot, last_slot)
    );
    CREATE TABLE kept (
        swaps_since_ms BIGINT NOT NULL,
        minutes_since_ms BIGINT NOT NULL,
        oldest_ms BIGINT
    );
    INSERT INTO kept VALUES (0, 0, NULL);
    CREATE TABLE logs (
        stream VARCHAR PRIMARY KEY,
        created VARCHAR NOT NULL,
        read_seq BIGINT NOT NULL
    );
    CREATE TABLE alerts (
        id VARCHAR PRIMARY KEY,
        event_time_ms BIGINT NOT NULL,
        slot UBIGINT NOT NULL,
        mint VARCHAR NOT NULL,
        trigger VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        mints VARCHAR[] NOT NULL,
        body VARCHAR NOT NULL
    );
    CREATE TABLE gaps (
        id VARCHAR PRIMARY KEY,
        source VARCHAR NOT NULL,
        first_slot UBIGINT NOT NULL,
        last_slot UBIGINT NOT NULL,
        why VARCHAR NOT NULL,
        filled BOOLEAN NOT NULL
    );
    """,
    # `missing` says that what comes next is not what follows this slot, until it is known which
    # slot that is: then it is a hole. The rest follows from the swaps of a file of version 1.
    """
    CREATE TABLE missing (
        why VARCHAR NOT NULL,
        slot UBIGINT NOT NULL,
        event_time_ms BIGINT NOT NULL
    );
    UPDATE kept SET oldest_ms = (SELECT min(event_time_ms) FROM swaps);
    INSERT INTO mints SELECT DISTINCT mint FROM swaps ON CONFLICT DO NOTHING;
    INSERT INTO clock SELECT min(slot), min(event_time_ms) FROM swaps
    GROUP BY session, event_time_ms // 10000 ON CONFLICT DO NOTHING;
    """,
    # A wallet's swaps lie anywhere in their hours: they are found by four bytes in place of 44.
    """
    DROP VIEW swaps;
    DROP VIEW closed_swaps;
    ALTER TABLE open_rows ADD COLUMN trader_hash UINTEGER;
    ALTER TABLE closed_rows ADD COLUMN trader_hash UINTEGER;
    UPDATE open_rows SET trader_hash = (md5_number_lower(trader) & 4294967295)::UINTEGER;
    UPDATE closed_rows SET trader_hash = (md5_number_lower(trader) & 4294967295)::UINTEGER;
    CREATE VIEW closed_swaps AS SELECT * REPLACE (
        coalesce(fee_payer, trader) AS fee_payer,
        coalesce(signers, fee_payer, trader) AS signers
    ) FROM closed_rows;
    CREATE VIEW swaps AS SELECT * REPLACE (
        coalesce(fee_payer, trader) AS fee_payer,
        coalesce(signers, fee_payer, trader) AS signers
    ) FROM (FROM closed_rows UNION ALL FROM open_rows);
    """,
    # The alert that was read last, and why the next one does not follow it; empty where it does.
    """
    CREATE TABLE alerts_read (
        slot UBIGINT NOT NULL,
        event_time_ms BIGINT NOT NULL,
        missed VARCHAR NOT NULL
    );
    INSERT INTO alerts_read SELECT slot, event_time_ms, '' FROM alerts ORDER BY rowid DESC LIMIT 1;
    """,
)
VERSION: Final = len(MIGRATIONS)


class NewerFile(Exception):  # noqa: N818 - the file is newer, not wrong
    """The file was written by a later version, which this one does not understand."""


def migrate(connection: duckdb.DuckDBPyConnection) -> int:
    """Bring a file to this version; returns the version that it had, 0 for a new one.

    Raises:
        NewerFile: it is of a later version.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS versions (version INTEGER NOT NULL)")
    found = connection.execute("SELECT coalesce(max(version), 0) FROM versions").fetchone()
    was = int(found[0]) if found else 0
    if was > VERSION:
        raise NewerFile(f"the file is of version {was}; this program knows up to {VERSION}")
    for version in range(was + 1, VERSION + 1):
        connection.begin()
        try:
            connection.execute(MIGRATIONS[version - 1])
            connection.execute("INSERT INTO versions VALUES (?)", [version])
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
    return was
