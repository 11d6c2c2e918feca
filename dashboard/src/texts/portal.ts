export const portal = {
  /** Why something is not a customer's to do. */
  refused: {
    disabled:
      'The provider of this page has disabled this webhook. Only they can enable it: please contact them.',
    paused:
      'The provider of this page has paused this webhook. Only they can resume it: please contact them.',
    replayStarted:
      'The provider of this page has started this replay. Only they can pause or cancel it.',
    replayPaused: 'The provider of this page has paused this replay. Only they can resume it.',
    readOnly:
      'Your link is read-only. Ask the provider of this page for a link that can manage webhooks.',
    platforms: 'Only the provider of this page can do this: please contact them.',
  },
  none: {
    title: 'This page needs a link',
    advice: 'Open it from the application whose webhooks you want to see.',
  },
  ended: {
    title: 'Your link is no longer valid',
    advice: 'Go back to the application that brought you here, and open this page again.',
  },
  foreign: {
    title: 'This link is for another page',
    advice: 'Open the page again from the application that brought you here.',
  },
};
