export const events = {
  title: 'Events',
  oneTitle: 'Event',
  done: { sent: 'The event was accepted', expunged: 'The payload was deleted' },
};
