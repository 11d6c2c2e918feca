import { Activity, useEffect } from 'react';
import { CSPProvider } from '@base-ui/react/csp-provider';
import { Tooltip } from '@base-ui/react/tooltip';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { queryClient } from '../api/query-client';
import { PORTAL_PROJECT } from '../portal-project';
import { QueryState } from '../ui/query-state';
import { Toasts } from '../ui/toast';
import { AccessProvider } from './access';
import { Alone } from './alone';
import { ErrorBoundary } from './error-boundary';
import { PortalGate } from './portal/gate';
import { router } from './router';
import { followOtherTabs, useSession } from './session';
import { SignInPage } from './sign-in';

export function App(): React.ReactNode {
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queryClient}>
        <Tooltip.Provider delay={400}>
          <ErrorBoundary>{PORTAL_PROJECT === null ? <Gate /> : <PortalGate />}</ErrorBoundary>
          <Toasts />
        </Tooltip.Provider>
      </QueryClientProvider>
    </CSPProvider>
  );
}

const goToOverview = (): void => void router.navigate({ to: '/' });

/** The sign-in page, or everything else; what was typed there waits for whoever goes on with the same key. */
function Gate(): React.ReactNode {
  const session = useSession();
  useEffect(followOtherTabs, []);
  if (session.data === undefined) {
    return (
      <Alone>
        <QueryState query={session}>{() => null}</QueryState>
      </Alone>
    );
  }
  const { data } = session;
  return (
    <>
      {'session' in data && (
        <Activity key={data.session.keyId} mode={data.state === 'in' ? 'visible' : 'hidden'}>
          <AccessProvider session={data.session} onProjectGone={goToOverview}>
            <RouterProvider router={router} />
          </AccessProvider>
        </Activity>
      )}
      {data.state !== 'in' && <SignInPage state={data.state} />}
    </>
  );
}
