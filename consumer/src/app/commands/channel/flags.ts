/** Which channel a command is about. */
export const channelFlag = {
  channel: { type: 'string', requiresArg: true, describe: 'Which one, where there are several' },
} as const

export const relayFeeFlag = {
  'max-relay-fee': {
    type: 'string',
    default: '0.1',
    requiresArg: true,
    describe: 'Most tokens a hub may take for sending one transaction',
  },
} as const
