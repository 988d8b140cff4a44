import { address, systemClock } from '@pontage/shared'
import { type CommonOptions, printJson, printLines, timeOf, UserError } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'
import { table } from './table.js'

type Options = LedgerOptions & { identity: string | undefined; json: boolean }

const identityArgument = {
  identity: { type: 'string', describe: 'Address of a consumer or provider' },
} as const

/** Stops dealing with an identity, from the next request on, or lists those that are blocked. */
export const block: CommandModule<CommonOptions, Options> = {
  command: 'block [identity]',
  describe: 'Stop giving an identity guarantees, channels and relays; without one, list who is blocked',
  builder: { ...identityArgument, ...ledgerFlags },
  handler: ({ identity: given, ...options }) =>
    withLedger(options, async (ledger) => {
      const { json } = options
      if (given !== undefined) {
        const identity = address(given)
        await ledger.block({ identity, since: systemClock.now() })
        if (!json)
          return printLines(
            `${identity} is blocked. What it was promised is still cleared and paid; its guarantees expire by themselves.`,
          )
      }
      const blocked = await ledger.blocked()
      if (json) printJson({ blocked })
      else if (blocked.length === 0) printLines('No identity is blocked.')
      else
        printLines(
          ...table(
            ['Identity', 'Since'],
            blocked.map(({ identity, since }) => [identity, timeOf(since)]),
          ),
        )
    }),
}

/** Deals with an identity again. */
export const unblock: CommandModule<CommonOptions, Options> = {
  command: 'unblock <identity>',
  describe: 'Unblock an identity',
  builder: { ...identityArgument, ...ledgerFlags },
  handler: ({ identity: given, ...options }) =>
    withLedger(options, async (ledger) => {
      const identity = address(String(given))
      if (!(await ledger.unblock(identity)))
        throw new UserError(`${identity} is not blocked. Run pontage-hub block to list who is.`)
      if (options.json) printJson({ blocked: await ledger.blocked() })
      else printLines(`${identity} is no longer blocked.`)
    }),
}
