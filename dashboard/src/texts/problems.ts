const advice = {
  unexpected: {
    title: 'Something unexpected happened',
    advice: 'Try again. If it keeps happening, tell the operator of this Posthorn.',
  },
};

/** What the API's refusals mean for somebody in front of the dashboard: the cause, then what to do. */
export const problems = {
  ...advice,
  byCode: {
    unreachable: {
      title: 'Posthorn does not answer',
      advice: 'Check your connection.',
    },
    unauthorized: {
      title: 'Your session has ended',
      advice: 'Sign in again.',
    },
    delivery_in_progress: {
      title: 'This delivery has not ended yet',
      advice: 'Wait for its next attempt, retry it now, or cancel it before replaying it.',
    },
    delivery_held: {
      title: 'The webhook is or was paused',
      advice: 'The delivery is sent in its turn once the webhook is resumed.',
    },
    event_expunged: {
      title: 'The payload of this event was deleted',
      advice: 'It can no longer be sent.',
    },
    unavailable: {
      title: 'Posthorn cannot reach its database',
      advice: 'Your last change may already have been saved. Check before you try again.',
    },
    too_slow: {
      title: 'The database took too long',
      advice: 'Try again, if possible with a shorter time range or other filters.',
    },
  },
  rateLimited: (seconds: number | null) => ({
    title: 'Too many requests',
    advice:
      seconds === null ? 'Wait a moment, then try again.' : `Try again in ${seconds} seconds.`,
  }),
  server: (requestId: string | null) => ({
    title: 'Posthorn could not do this',
    advice: requestId
      ? `Try again. If it keeps happening, give the operator this request id: ${requestId}`
      : advice.unexpected.advice,
  }),
  left: 'You closed the form, or left its page, before the response arrived. Open it again to see what was saved, and to submit it again if necessary.',
  retrying: 'Trying again every few seconds.',
  outdated: 'What is shown may be out of date.',
};
