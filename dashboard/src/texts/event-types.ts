export const eventTypes = {
  title: 'Event types',
  done: { saved: 'The event type was saved', deleted: 'The event type was deleted' },
};
