const figure = (n: number): string => n.toLocaleString('en');

export const overview = {
  title: 'Overview',
  range: 'Time range',
  ranges: {
    '1': 'Last hour',
    '24': 'Last 24 hours',
    '168': 'Last 7 days',
    '720': 'Last 30 days',
  },
  well: 'All is well',
  wellLead: 'No webhook is failing, and nothing has been waiting longer than it should.',
  late: (time: string) => `The oldest pending delivery has been due for ${time}`,
  lateEvent: (time: string) => `An accepted event has been waiting for ${time} to be delivered`,
  lateLead:
    'Nothing is lost. If this continues, no worker is running, or the workers are overloaded.',
  lateWhy: 'See why it is waiting',
  lateWhich: 'See the event',
  quiet: 'Nothing has happened yet',
  quietLead: 'Create a webhook, and send it a test event: its delivery then shows up here.',
  quietAction: 'Create a webhook',
  failing: (n: number) =>
    n === 1 ? '1 webhook needs attention' : `${figure(n)} webhooks need attention`,
  failingTitle: 'Webhooks that need attention',
  failingMore: (n: number) => (n === 1 ? 'and 1 more' : `and ${figure(n)} more`),
  failures: (n: number, last: string | null) =>
    `${n === 1 ? '1 failed attempt' : `${figure(n)} failed attempts in a row`}${last === null ? '' : `, the last with ${last}`}`,
  remedy: {
    failing:
      'Check its response, and fix the receiver. Pending deliveries are retried automatically; failed ones can be replayed.',
    gone: 'Its receiver answered 410 Gone, so it was disabled. If it is enabled again, skipped deliveries can be replayed.',
    consecutive_failures:
      'It failed too often in a row, so it was disabled. Once the receiver is fixed and the webhook is enabled again, skipped deliveries can be replayed.',
    manual:
      'It was disabled manually. Once it is enabled again, skipped deliveries can be replayed.',
  },
  seeFailed: 'See what failed',
  seeSkipped: 'See skipped deliveries',
  accepted: 'Events accepted',
  delivered: 'Delivered',
  perMinute: (n: number) =>
    `${n >= 10 || n === 0 ? figure(Math.round(n)) : n < 0.1 ? 'under 0.1' : n.toFixed(1)} per minute`,
  successRate: 'Success rate',
  failedNote: (n: number) => (n === 0 ? 'none failed' : `${figure(n)} failed`),
  latency: 'Response time',
  latencyNote: (p90: string, p99: string) =>
    `90\u00A0% within\u00A0${p90}, 99\u00A0% within\u00A0${p99}`,
  median: 'median',
  oldest: 'Oldest pending',
  oldestNone: 'Nothing is waiting',
  noValue: '–',
  attemptsChart: 'Attempts',
  attemptsLead: 'Succeeded below, failed on top.',
  acceptedChart: 'Accepted events',
  acceptedLead: 'All events that your application has posted.',
  attemptsInWords: (good: number, bad: number) =>
    `Attempts over time: ${figure(good)} succeeded, ${figure(bad)} failed`,
  acceptedInWords: (n: number) => `Accepted events over time: ${figure(n)}`,
  figure,
};
