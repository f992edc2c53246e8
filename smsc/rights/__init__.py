"""What the law gives people, and asks of us: ``smsc subject``, ``smsc disclose``, a contract's end.

Owns the commands, and puts together what lies in many places: messages and mails (the running
server, or one recovered for it), traffic records, the database, access logs. Every act is in the
audit log before it is done, by its case and never by whom it is about, and in the access log.

    commands    the commands and their words
    terminate   the end of a contract
    disclose    what authorities are given
    acting      an act: its entries, and the server that is asked
    stored, registered, rows    what there is: of messages, in the database or not, in its tables
    report, page    all of it, and as a page for people
"""
