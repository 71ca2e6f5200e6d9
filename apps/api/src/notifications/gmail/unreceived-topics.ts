import { topicsWithoutSubscription, type ResolvedConfig, type Runtime } from '@syncline/runtime';

/** Warns of topics without a subscription to pull from, when pushes are not accepted either. */
export function warnOfUnreceivedTopics(rt: Runtime, { push, google }: ResolvedConfig): void {
  const topics = topicsWithoutSubscription(push, google.projects);
  if (topics.length > 0)
    rt.log.warn(
      { event: 'gmail_topics_unreceived', topics },
      'topics are set, but neither PUSH_GMAIL_SERVICE_ACCOUNT nor a subscription to pull from: their notifications are not received',
    );
}
