export const replays = {
  title: 'Replays',
  done: {
    started: 'The replay has started',
    pause: 'The replay is paused',
    resume: 'The replay continues',
    cancel: 'The replay was cancelled',
  },
};
