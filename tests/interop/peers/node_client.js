// node's smpp plays one scenario (JSON in argv[2]) and tells what came of it (JSON on stdout).
// The scenario and the answer are described in tests/interop/worlds.py.
'use strict';

const smpp = require('smpp');

const scenario = JSON.parse(process.argv[2]);
const told = { bound: 0, answers: [], receipts: [], inbound: [], enquired: null, unbound: null, asked: [] };
const PART = 150; // characters of a part: below the 153 that a GSM text with a UDH of 6 may have

// A long text is cut here, since this library leaves that to its user.
function parts(message) {
  if (message.payload) return [''];
  if (!message.long) return [message.text];
  const count = Math.ceil(message.text.length / PART);
  return Array.from({ length: count }, (_, index) => ({
    udh: Buffer.from([5, 0, 3, 77, count, index + 1]),
    message: message.text.slice(index * PART, (index + 1) * PART),
  }));
}

const session = smpp.connect({ host: scenario.host, port: scenario.port });
let sent = 0;
let leaving = false;

session.on('error', (error) => {
  if (!leaving) {
    console.error(error.message);
    process.exit(1);
  }
});

session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  const text = pdu.short_message.message;
  told[pdu.esm_class & 0x04 ? 'receipts' : 'inbound'].push({
    source: pdu.source_addr,
    destination: pdu.destination_addr,
    text: Buffer.isBuffer(text) ? text.toString('latin1') : text,
    message_id: pdu.receipted_message_id || '',
    state: pdu.message_state === undefined ? null : pdu.message_state,
  });
  proceed();
});

session.on('enquire_link', (pdu) => session.send(pdu.response()));

function submit(message) {
  for (const part of parts(message)) {
    sent += 1;
    session.submit_sm({
      source_addr_ton: 1,
      source_addr_npi: 1,
      source_addr: message.source,
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      destination_addr: message.destination,
      registered_delivery: message.registered_delivery,
      short_message: part,
      ...(message.payload && { message_payload: message.text }),
    }, (pdu) => {
      told.answers.push({ status: pdu.command_status, message_id: pdu.message_id || '' });
      proceed();
    });
  }
}

const from = { source_addr_ton: 1, source_addr_npi: 1, source_addr: '447700900001' };

// Each request that an ESME may make besides, and what of its answer is told.
const asks = {
  query_sm: (id) => [{ message_id: id, ...from }, (pdu) => ({ state: pdu.message_state })],
  cancel_sm: (id) => [{ message_id: id, ...from }, () => ({})],
  replace_sm: (id) => [
    { message_id: id, ...from, short_message: 'Replaced' }, () => ({})],
  submit_multi: (id, ask) => [
    {
      ...from,
      dest_address: ask.destinations.map((number) => (
        { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: number })),
      short_message: 'To many',
    },
    (pdu) => ({ message_id: pdu.message_id, unsuccess: (pdu.unsuccess_sme || []).length })],
  data_sm: (id, ask) => [
    {
      ...from,
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      destination_addr: ask.destination,
      registered_delivery: 1,
      message_payload: 'By data_sm',
    },
    (pdu) => ({ message_id: pdu.message_id })],
};

let next = 0;

function ask() {
  const what = scenario.asks[next];
  next += 1;
  const first = told.answers.length ? told.answers[0].message_id : '';
  const [fields, tell] = asks[what.ask](first, what);
  session[what.ask](fields, (pdu) => {
    told.asked.push({ status: pdu.command_status, ...(pdu.command_status ? {} : tell(pdu)) });
    proceed();
  });
}

function proceed() {
  if (leaving || told.answers.length < sent || told.asked.length < next) return;
  if (next < scenario.asks.length) {
    ask();
    return;
  }
  const receipts = scenario.receipts === 'each' ? sent : scenario.receipts;
  if (told.receipts.length < receipts || told.inbound.length < scenario.inbound) return;
  leaving = true;
  const unbind = () => session.unbind((pdu) => {
    told.unbound = pdu.command_status;
    finish();
  });
  if (!scenario.enquire) return unbind();
  session.enquire_link((pdu) => {
    told.enquired = pdu.command_status;
    unbind();
  });
}

function finish() {
  console.log(JSON.stringify(told));
  session.close(() => process.exit(0));
}

session.on('connect', () => {
  const bind = { trx: 'bind_transceiver', tx: 'bind_transmitter', rx: 'bind_receiver' };
  session[bind[scenario.bind]](
    { system_id: scenario.system_id, password: scenario.password },
    (pdu) => {
      told.bound = pdu.command_status;
      if (pdu.command_status) return finish();
      scenario.submits.forEach(submit);
      proceed();
    },
  );
});
