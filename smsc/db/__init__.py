"""The database: what is small, edited by people, and known before the first message comes.

Customers and their contracts, accounts, users, prices, billing periods and their totals, orders,
consents, holds and disclosures. Never a message: those are the keeper's log and the traffic log.
SQLite by default, PostgreSQL by URL; the same tests run on both.

    model       the tables
    database    a connection: its schema's version, transactions, the revision that a change moves
    customers, accounts, users, prices    what may be done to the rows, and what is refused
    snapshot    rows into the immutable accounts that the message path works on

Everything here blocks and runs off the loop. Nothing of the message path imports it: it is handed a
snapshot, and goes on with the last one while the database is away.
"""
