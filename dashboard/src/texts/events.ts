import { isolated } from './isolated';

export const events = {
  title: 'Events',
  oneTitle: 'Event',
  lead: 'What your application has posted. Each event is delivered to all webhooks that are subscribed to its type.',
  done: { sent: 'The event was accepted', expunged: 'The payload was deleted' },
  send: 'Send event',
  columns: { type: 'Type', id: 'Id', accepted: 'Accepted', state: 'State' },
  deleted: 'Payload deleted',
  type: 'Event type',
  anyType: 'All types',
  none: 'No events yet',
  noneAdvice:
    'Your application posts events to POST /v1/events. Send one manually to see how it is delivered.',
  noneFound: 'No event matches',
  noneFoundAdvice: 'Choose a longer time range or another type.',
  search: {
    label: 'Search events',
    placeholder: 'Id, Idempotency-Key, or data.email = jane@example.com',
    title: (q: string) => `Results for ${isolated(q)}`,
    kind: {
      project: 'Project',
      key: 'API key',
      webhook: 'Webhook',
      event: 'Event',
      delivery: 'Delivery',
      replay: 'Replay',
      report: 'Provider report',
      audit: 'Audit entry',
    },
    columns: { what: 'What', kind: 'Kind', id: 'Id', created: 'Created' },
    none: 'Nothing was found',
    noneAdvice:
      'Ids and Idempotency-Keys must be complete. For a field of the payload write data.<path> = <value>, such as data.email = jane@example.com; without a time range, the last 7 days are searched.',
    complete: (count: number, since: string) => `Looked at all events since ${since}: ${count}.`,
    stopped: (count: number, since: string) =>
      `Looked at ${count} events so far, back to ${since}.`,
  },
  dataEditor: {
    label: 'Data (JSON)',
    help: 'The sample of the type. You can edit it; it is checked against the type’s schema.',
    reset: 'Use the sample again',
  },
  sendDialog: {
    title: 'Send an event',
    lead: 'It is a real event: every webhook that is subscribed to its type receives it.',
    type: 'Type',
    submit: 'Send event',
    noTypes: 'This project has no event types yet. Define one first.',
    defineType: 'Define an event type',
  },
  facts: {
    id: 'Event id',
    accepted: 'Accepted',
    created: 'Happened',
    deleted: 'Payload deleted',
    kind: 'Kind',
    testKind: 'Test: a requested sample',
    realKind: 'Posted by your application',
  },
  payload: 'Payload',
  payloadGone: 'The payload of this event was deleted',
  payloadGoneAdvice:
    'The event and its deliveries stay in the lists, but can no longer be sent.',
  deliveries: {
    title: 'Deliveries',
    lead: 'One for each webhook that was subscribed when the event was accepted.',
    none: 'Not sent to any webhook',
    noneAdvice:
      'No webhook was subscribed to this type, or its filter did not match. Webhooks that are created later don’t receive it.',
    more: 'There are older ones. See all deliveries of this event',
    answer: (what: string, took: string) => `${what} in ${took}`,
    columns: {
      status: 'Status',
      webhook: 'Webhook',
      attempts: 'Attempts',
      answer: 'Last response',
      next: 'Next or last',
    },
  },
  sendAgain: 'Send as a new event',
  expunge: {
    action: 'Delete payload',
    title: 'Delete the payload of this event?',
    gone: 'Deleted for good: the payload, and the receivers’ responses, which may contain it.',
    stays:
      'What remains: the event’s id, type, times and Idempotency-Key, and its deliveries with their attempts, status codes and times.',
    stops: 'Deliveries that have not arrived are cancelled, and none can be replayed.',
    confirm: 'Delete payload',
  },
};
