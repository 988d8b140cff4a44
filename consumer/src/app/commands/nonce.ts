import { type CommonOptions, nonceCommand } from '@pontage/shared/node'

/** Shows which transaction the chain waits for, and replaces it. A consumer keeps none: each command sends its own, or fails. */
export const nonceOfConsumer = nonceCommand<CommonOptions>({
  program: 'pontage',
  flags: {},
  open: async () => [],
})
