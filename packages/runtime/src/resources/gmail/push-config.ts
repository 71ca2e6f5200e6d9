import { readFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import type { GoogleProject } from '../../projects.js';
import type { Values } from '../../variables.js';

/**
 * How Google notifies. Each part may be missing: then there are no such notifications, and polling
 * does its work.
 */
export interface Push {
  /** `projects/P/topics/T`: switches Gmail watches on. */
  topic: string | null;
  /** `projects/P/subscriptions/S`: notifications are pulled instead of pushed. */
  subscription: string | null;
  /** The topics of further Google projects, by the projects' names. */
  projectTopics: Record<string, string>;
  /** What is pulled of those. */
  projectSubscriptions: string[];
  /** The public address that Google reaches the API at: switches Calendar channels on. */
  baseUrl: string | null;
  /** What the OIDC token of a Gmail push must carry. */
  audience: string | null;
  serviceAccount: string | null;
  /** Path of the key of the service account that pulls. */
  credentialsFile: string | null;
}

/** The part of a service account's key file that is used. */
export interface ServiceAccountKey {
  email: string;
  privateKey: string;
  keyId: string;
}

/**
 * Null as long as no notification is configured. The audience of a push is its own address, unless
 * the subscription was made with another.
 */
export function toPush(values: Values, projects: readonly GoogleProject[]): Push | null {
  const baseUrl = values.PUSH_BASE_URL ?? null;
  const push: Push = {
    topic: values.GMAIL_PUBSUB_TOPIC ?? null,
    subscription: values.GMAIL_PUBSUB_SUBSCRIPTION ?? null,
    projectTopics: Object.fromEntries(
      projects.flatMap(({ name, topic }) => (topic === undefined ? [] : [[name, topic]])),
    ),
    projectSubscriptions: projects.flatMap(({ subscription }) => subscription ?? []),
    baseUrl,
    audience:
      values.PUSH_GMAIL_AUDIENCE ??
      (baseUrl !== null && values.PUSH_GMAIL_SERVICE_ACCOUNT ? `${baseUrl}/push/gmail` : null),
    serviceAccount: values.PUSH_GMAIL_SERVICE_ACCOUNT ?? null,
    credentialsFile: values.GOOGLE_APPLICATION_CREDENTIALS ?? null,
  };
  const {
    credentialsFile: _file,
    projectTopics,
    projectSubscriptions: _pulled,
    ...notifications
  } = push;
  return Object.keys(projectTopics).length > 0 ||
    Object.values(notifications).some((value) => value !== null)
    ? push
    : null;
}

/** Topics that nothing is pulled from, by where they are configured. */
export function unheardTopics(push: Push | null, projects: readonly GoogleProject[]): string[] {
  return [
    ...(push?.topic && !push.subscription ? ['GMAIL_PUBSUB_TOPIC'] : []),
    ...projects.flatMap(({ name, topic, subscription }) =>
      topic && !subscription ? [`gmailPubsubTopic of project ${name}`] : [],
    ),
  ];
}

/** What the process that hears the notifications lacks, by variable name. */
export function missingForNotifications(
  filled: Record<string, string>,
  projects: readonly GoogleProject[],
): string[] {
  const problems: string[] = [];
  const pulled = namedSubscription(filled, projects);
  if (pulled !== null)
    problems.push(...problemsOfKeyFile(filled['GOOGLE_APPLICATION_CREDENTIALS'], pulled));
  if (filled['PUSH_GMAIL_AUDIENCE'] && !filled['PUSH_GMAIL_SERVICE_ACCOUNT']) {
    problems.push(
      'PUSH_GMAIL_SERVICE_ACCOUNT is required with PUSH_GMAIL_AUDIENCE: anybody at Google can get a token for an audience, so the sender must be named',
    );
  }
  if (
    filled['PUSH_GMAIL_SERVICE_ACCOUNT'] &&
    !filled['PUSH_GMAIL_AUDIENCE'] &&
    !filled['PUSH_BASE_URL']
  ) {
    problems.push(
      'PUSH_GMAIL_AUDIENCE is required with PUSH_GMAIL_SERVICE_ACCOUNT, unless PUSH_BASE_URL says where pushes arrive',
    );
  }
  return problems;
}

/** Where a subscription that is pulled is configured; null when none is. */
function namedSubscription(
  filled: Record<string, string>,
  projects: readonly GoogleProject[],
): string | null {
  if (filled['GMAIL_PUBSUB_SUBSCRIPTION']) return 'GMAIL_PUBSUB_SUBSCRIPTION';
  return projects.some(({ subscription }) => subscription !== undefined)
    ? 'a gmailPubsubSubscription of GOOGLE_PROJECTS_FILE'
    : null;
}

function problemsOfKeyFile(file: string | undefined, pulled: string): string[] {
  if (!file)
    return [
      `GOOGLE_APPLICATION_CREDENTIALS is required with ${pulled}: the path of the key file of a service account that may pull`,
    ];
  return readServiceAccount(file)
    ? []
    : [
        'GOOGLE_APPLICATION_CREDENTIALS names no readable key file of a service account (JSON with client_email and private_key)',
      ];
}

/** Null when the file cannot be read or is no such key. */
export function readServiceAccount(file: string): ServiceAccountKey | null {
  try {
    const {
      client_email: email,
      private_key: privateKey,
      private_key_id: keyId,
    } = Object(JSON.parse(readFileSync(file, 'utf8'))) as Record<string, unknown>;
    if (typeof email !== 'string' || typeof privateKey !== 'string') return null;
    createPrivateKey(privateKey);
    return { email, privateKey, keyId: typeof keyId === 'string' ? keyId : '' };
  } catch {
    return null; // Absent, not JSON, or no key: for whoever asks it is all the same.
  }
}
