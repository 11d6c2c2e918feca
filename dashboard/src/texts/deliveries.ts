export const deliveries = {
  title: 'Deliveries',
  oneTitle: 'Delivery',
  done: {
    replay: 'The delivery is sent again',
    retry: 'The next attempt is made now',
    cancel: 'The delivery was cancelled',
  },
};
