/** Stroked paths on a 24 × 24 grid. */
const PATHS = {
  horn: 'M3 12h9l8-6v12l-8-6M11 15a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0',
  overview: 'M4 4h7v9H4zM13 4h7v5h-7zM13 12h7v8h-7zM4 16h7v4H4z',
  webhook:
    'M8.5 9.5a4 4 0 1 1 6.6 2l2.1 3.6M15.2 11.5l-3.4-5.2M17 20a3 3 0 1 0-2.6-4.5H9.5M9 17a3 3 0 1 1-3-3l3-5',
  delivery: 'M21 3 10 14M21 3l-7 18-4-7-7-4z',
  event: 'M13 2 4 14h7l-1 8 9-12h-7z',
  type: 'M4 5h16v14H4zM4 10h16M9 10v9',
  replay: 'M4 12a8 8 0 1 0 2.6-5.9M4 4v4h4',
  key: 'M11.5 15.5a4.5 4.5 0 1 1-1-3.2L20 3M16 7l3 3',
  audit: 'M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h5',
  settings:
    'M4 7h10M18 7h2M4 17h2M10 17h10M18 7a2 2 0 1 1-4 0 2 2 0 0 1 4 0M10 17a2 2 0 1 1-4 0 2 2 0 0 1 4 0',
  menu: 'M4 6h16M4 12h16M4 18h16',
  more: 'M12 5.5v.01M12 12v.01M12 18.5v.01',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.5l4.5 4.5L19 7',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  chevronDown: 'M6 9l6 6 6-6',
  chevronRight: 'M9 6l6 6-6 6',
  arrowLeft: 'M19 12H5M11 6l-6 6 6 6',
  plus: 'M12 5v14M5 12h14',
  search: 'M17 11a6 6 0 1 1-12 0 6 6 0 0 1 12 0M16 16l4 4',
  success: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0M8.5 12.5l2.5 2.5 4.5-5.5',
  failure: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0M9 9l6 6M15 9l-6 6',
  warning: 'M12 4 2.5 20h19zM12 10v4M12 17v.01',
  info: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0M12 11v5M12 8v.01',
  clock: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0M12 7v5l3 2',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 4l12 8-12 8z',
  skip: 'M5 5l9 7-9 7zM18 5v14',
  hand: 'M7 12V6a1.5 1.5 0 0 1 3 0v4-5.5a1.5 1.5 0 0 1 3 0V10 6a1.5 1.5 0 0 1 3 0v7c0 5-2 8-5.5 8S6 19 4.5 15.5C3.8 13.9 5.5 13 7 15',
  ban: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0M5.7 5.7l12.6 12.6',
  edit: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  eye: 'M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7zM15 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  send: 'M5 12h14M13 6l6 6-6 6',
  external: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  sun: 'M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5 19 19M5 19l1.5-1.5M17.5 6.5 19 5',
  filter: 'M4 6h16M7 12h10M10 18h4',
  user: 'M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0M4 21c0-4 3.5-6 8-6s8 2 8 6',
  keyboard: 'M3 6h18v12H3zM7 10v.01M11 10v.01M15 10v.01M8 14h8',
  code: 'M8 7l-5 5 5 5M16 7l5 5-5 5',
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration: what it means is said in words beside it, or in the name of the control around it. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }): React.ReactNode {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 3.5 : 2}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
