import { execFileSync } from 'node:child_process'
import { programPath } from '../../test/dist/world/index.js'

// Every command that a program knows is here: timed, or left out for a reason.

const asked = 'asks questions or makes the home: it comes before there is a year'
const sends = 'sends a transaction: its time is the chain’s'
const noStore = 'reads neither store nor chain'

/** By program, each as its words. FILE stands for one that is not there yet, PUBLICATION and HUB for what they name. */
export const commands = {
  hub: {
    program: 'pontage-hub',
    timed: [
      ['status'],
      ['doctor'],
      ['channels'],
      ['channels', '--limit=5000', '--json'],
      ['channels', '--urgent'],
      ['providers'],
      ['pool'],
      ['stake'],
      ['fee'],
      ['draw'],
      ['nonce'],
      ['block'],
      ['doctor', '--thorough'],
      ['ledger', 'backup', 'FILE'],
      ['ledger', 'export', 'FILE'],
      ['liabilities', 'verify', 'PUBLICATION'],
      ['config'],
    ],
    leftOut: {
      ...{ setup: asked, init: asked, register: sends, completion: noStore },
      run: 'is timed as the start',
      ui: 'is timed as pages',
      earnings: 'reads events of the chain and no store: what it takes is a matter of the chain’s blocks',
      unblock: 'as block',
      'wind-down': sends,
    },
  },
  provider: {
    program: 'pontage-provider',
    timed: [
      ['status'],
      ['doctor'],
      ['sessions'],
      ['limit'],
      ['earnings'],
      ['earnings', '--by=hub'],
      ['earnings', '--by=session', '--csv'],
      ['offer'],
      ['invite', 'list'],
      ['stake'],
      ['nonce'],
      ['config'],
    ],
    leftOut: {
      ...{ setup: asked, init: asked, register: sends, completion: noStore },
      run: 'is timed as the start',
      ui: 'is timed as pages',
      kick: 'ends a session that there has to be',
      ...{ redeem: sends, collect: sends, price: sends, retire: sends },
      trust: 'writes one row, of a hub that lied',
      down: 'undoes what a crash left of the network, and reads no store',
    },
  },
  consumer: {
    program: 'pontage',
    timed: [
      ['status'],
      ['doctor'],
      ['account'],
      ['providers', '--no-latency'],
      ['providers', '--country=SE', '--no-latency'],
      ['providers', '--index=HUB', '--no-latency'],
      ['providers'],
      ['hubs'],
      ['alias'],
      ['invitation', 'list'],
      ['channel', 'status'],
      ['lend', 'list'],
      ['history'],
      ['history', '--csv'],
      ['history', '--total'],
      ['rate', '1', '5'],
      ['stake'],
      ['debt'],
      ['nonce'],
      ['config'],
    ],
    leftOut: {
      ...{ setup: asked, init: asked, completion: noStore },
      run: 'is timed as the start',
      ui: 'is timed as pages',
      ...{ connect: 'is timed by the consumer’s own benchmark', exec: 'as connect', bypass: noStore },
      ...{ disconnect: 'needs a connection', unlock: noStore, lockdown: noStore },
      ...{ unbond: sends, repay: sends, collect: sends, send: sends },
    },
  },
}

/** What reads or writes all that there is by its purpose: timed without a limit. */
export const whole = {
  hub: ['doctor --thorough', 'ledger backup FILE', 'ledger export FILE', 'liabilities verify PUBLICATION'],
  provider: ['earnings --by=session --csv'],
  consumer: [],
}

/** What is waited for besides, in milliseconds: answers of others that the machine has no part in. */
export const waits = {
  hub: {},
  // A hub that tried a moment ago, before the offer was published, tries again when ten seconds are over.
  provider: { doctor: 5_000 },
  // Of the crowd nobody answers: each is given three seconds, and none is asked after two.
  consumer: { providers: 5_000 },
}

/** What pages of these programs for their owner read, by name; a hub’s pages for everybody are asked from itself. */
export const reads = {
  hub: [
    'status',
    'channels',
    'urgent',
    'providers',
    'earningsByDay',
    'earningsByProvider',
    'doctor',
    'settings',
  ],
  provider: ['status', 'earningsByDay', 'earningsByHub', 'offer', 'doctor', 'settings'],
  consumer: ['account', 'channels', 'doctor', 'history', 'providers', 'invitations', 'settings'],
}

/** @throws Error where a program knows a command that is neither timed nor left out for a reason. */
export function checkComplete() {
  for (const { program, timed, leftOut } of Object.values(commands)) {
    const help = execFileSync(programPath(program), ['--help'], { encoding: 'utf8' })
    const known = [...help.matchAll(new RegExp(`^ {2}${program} (\\S+)`, 'gm'))].map(([, name]) => name)
    const named = new Set([...timed.map(([name]) => name), ...Object.keys(leftOut)])
    const missing = known.filter((name) => !named.has(name))
    if (known.length === 0 || missing.length > 0)
      throw new Error(
        `${program} knows ${known.length} commands, and bench/year/commands.mjs names all but ${missing.join(', ')}: time them there, or say why not.`,
      )
  }
}
