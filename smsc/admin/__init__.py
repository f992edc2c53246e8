"""What an operator does to the database: ``smsc customer``, ``account``, ``hold`` and so on.

Owns the commands, how their words are read, and how rows are shown. What may be done and what is
refused is in ``smsc.db`` and ``smsc.billing``. No password is ever an argument: it is asked for,
read from standard input, or made up here and shown once.

    words       what is read and shown
    commands    how a command is made and run
    customers, accounts, users, consents, api_keys, orders, prices, billing, holds    one noun each
    everything  all of them
"""
