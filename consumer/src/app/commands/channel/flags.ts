/** Which channel a command is about. */
export const channelFlag = {
  channel: { type: 'string', requiresArg: true, describe: 'Which channel, if there are several' },
} as const

export const relayFeeFlag = {
  'max-relay-fee': {
    type: 'string',
    default: '0.1',
    requiresArg: true,
    describe: 'Most tokens a hub may charge for sending a transaction',
  },
} as const
