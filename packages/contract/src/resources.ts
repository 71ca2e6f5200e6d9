/** The resources that an account may have mirrored. */
export const RESOURCES = ['gmail', 'calendar', 'contacts'] as const;
