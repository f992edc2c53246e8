// node's smpp in the place of a carrier: takes what comes, sends receipts, and inbound messages.
// node_carrier.js LOG INBOUND_TO --ready-file FILE. Each message taken is a line of JSON in LOG,
// written before it is answered; FILE gets {"ports": {"carrier": N}} once it listens.
'use strict';

const fs = require('fs');
const smpp = require('smpp');

const [log, inboundTo, , ready] = process.argv.slice(2);
const INBOUND_EVERY = 100; // milliseconds
const receivers = new Set();
let last = Date.now() * 1000; // ids of two runs must not meet

function note(pdu) {
  const text = (pdu.message_payload || pdu.short_message).message;
  fs.appendFileSync(log, `${JSON.stringify({
    destination: pdu.destination_addr,
    source: pdu.source_addr,
    data_coding: pdu.data_coding,
    esm_class: pdu.esm_class,
    udh: pdu.short_message.udh ? pdu.short_message.udh.toString('hex') : '',
    text: Buffer.isBuffer(text) ? text.toString('latin1') : text,
  })}\n`);
}

function receipt(session, pdu, id) {
  const date = new Date().toISOString().replace(/[-:T]/g, '').slice(2, 12);
  session.deliver_sm({
    source_addr_ton: pdu.dest_addr_ton,
    source_addr_npi: pdu.dest_addr_npi,
    source_addr: pdu.destination_addr,
    dest_addr_ton: pdu.source_addr_ton,
    dest_addr_npi: pdu.source_addr_npi,
    destination_addr: pdu.source_addr,
    esm_class: 4,
    data_coding: 0,
    short_message: Buffer.from(`id:${id} sub:001 dlvrd:001 submit date:${date} done date:${date}`
      + ' stat:DELIVRD err:000 text:'),
    receipted_message_id: id,
    message_state: 2,
  });
}

const server = smpp.createServer((session) => {
  session.on('error', () => session.destroy());
  session.on('close', () => receivers.delete(session));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    receivers.delete(session);
    session.send(pdu.response());
    session.close();
  });
  for (const bind of ['bind_transceiver', 'bind_receiver', 'bind_transmitter']) {
    session.on(bind, (pdu) => {
      session.send(pdu.response({ system_id: 'node' }));
      if (bind !== 'bind_transmitter') receivers.add(session);
    });
  }
  session.on('submit_sm', (pdu) => {
    note(pdu);
    last += 1;
    const id = String(last);
    session.send(pdu.response({ message_id: id }));
    if (pdu.registered_delivery & 3) setImmediate(receipt, session, pdu, id);
  });
});

setInterval(() => {
  const [session] = receivers;
  if (!session) return;
  session.deliver_sm({
    source_addr_ton: 1,
    source_addr_npi: 1,
    source_addr: '447700900001',
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: inboundTo,
    short_message: 'Inbound from node',
  });
}, INBOUND_EVERY);

server.listen(0, '127.0.0.1', () => {
  const told = JSON.stringify({ ports: { carrier: server.address().port } });
  fs.writeFileSync(`${ready}.new`, told);
  fs.renameSync(`${ready}.new`, ready);
});

process.on('SIGTERM', () => process.exit(0));
