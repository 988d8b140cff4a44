import { wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import {
  askControl,
  exitCode,
  type Given,
  jsonEvents,
  listenControl,
  printJson,
  printLines,
  qrCode,
  readToken,
  tokenOf,
  UserError,
  withClosers,
} from '@pontage/shared/node'
import { forgetLending, type Lending } from '../../io/home/lendings.js'
import { boundLog, isInBackground, requirePasswordFile, startInBackground } from '../connect/background.js'
import {
  createLendings,
  type LendingsTold,
  type LendWishes,
  type Lent,
  lendingNamed,
  wantedLending,
} from '../lend/lendings.js'
import type { LentTerms } from '../lend/lendOut.js'
import { configurationLines, lendingLine, lentLines } from '../lend/lendText.js'
import { useFlags } from '../market/expectedUse.js'
import { controlFlag, meantBy, stopOnSignals } from './connection.js'
import { handlersOf, openLender } from './lending/holdLendings.js'
import { lendingsNow, lendSocket, placeToLend } from './lending/place.js'
import { askService } from './service/askService.js'
import { asksService, serviceSocket } from './service/place.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

const lendFlags = {
  name: {
    type: 'string',
    default: 'phone',
    requiresArg: true,
    describe: 'What the lending is called; with the same name it goes on with the same configuration',
  },
  budget: {
    type: 'string',
    requiresArg: true,
    describe: 'Most tokens that it may cost: 1/day, 10/month, or 5 in all; can be repeated',
  },
  cap: {
    type: 'string',
    requiresArg: true,
    describe:
      'Most traffic to pay for, in both directions together: 1GB/day, 20GB/month, or 5GB in all; can be repeated',
  },
  rate: {
    type: 'string',
    requiresArg: true,
    describe: 'Highest speed to pay for, such as 20Mbit; by default what the provider offers',
  },
  'max-price': {
    type: 'string',
    requiresArg: true,
    describe: 'Highest price to accept, in tokens: 0.1/GB for traffic, 0.01/h for time; can be repeated',
  },
  country: { type: 'string', requiresArg: true, describe: 'Only providers in this country, such as DE' },
  hub: { type: 'string', requiresArg: true, describe: 'Pay through this hub only' },
  qr: { type: 'boolean', default: false, describe: 'Show the configuration as a QR code, too' },
  background: {
    type: 'boolean',
    default: false,
    describe: 'Return once it is lent; "pontage lend list" and "pontage lend stop" from then on',
  },
  ...useFlags,
  ...controlFlag,
} as const

type Words = string | readonly string[]
type Flags = Omit<Given<typeof lendFlags>, 'budget' | 'cap' | 'maxPrice'>
interface LendOptions extends Settings, Flags {
  readonly what?: string
  readonly other?: string
  readonly budget?: Words
  readonly cap?: Words
  readonly maxPrice?: Words
  readonly json: boolean
  readonly typed?: ReadonlySet<string>
}

export const lendCommand = command<LendOptions>({
  command: 'lend [what] [other]',
  describe:
    'Lend a tunnel to a phone or a router with the stock WireGuard app, and pay for it from here; list, show, stop',
  builder: (yargs) =>
    withSettings(yargs)
      .positional('what', {
        type: 'string',
        describe:
          'A provider as connect takes it, by default the cheapest that fits; or list, show NAME, stop NAME',
      })
      .positional('other', { type: 'string', describe: 'The name of a lending, for show and stop' })
      .options(lendFlags),
  async handler(argv) {
    switch (argv.what) {
      case 'list':
        return list(argv)
      case 'show':
        return show(argv)
      case 'stop':
        return stop(argv)
      default:
        return lend(argv)
    }
  },
})

async function lend(argv: LendOptions): Promise<void> {
  if (argv.other !== undefined)
    throw new UserError(`"${argv.other}" is one word too many. The name of a lending goes after --name.`)
  const wishes = await wishesOf(argv)
  const place = placeToLend(argv)
  // A program of this user's own that was killed left its socket: that says nothing of the service.
  const ask = asksService(argv) && place !== lendSocket(argv.home) ? askService<Lent> : askControl<Lent>
  const asked = await ask(place, { type: 'lend', ...wishes }, lendWithinMs)
  if (asked !== undefined) return tellLent(argv, revived(asked), 'by the program that lends already.')
  // What cannot be lent is better said before anything is opened.
  await wantedLending(argv.home, wishes)
  if (!argv.background) return hold(argv, wishes)
  requirePasswordFile(argv.passwordFile)
  const { event } = await startInBackground(argv.home, process.argv.slice(1), {
    ...{ event: 'lent', log: 'lend.log', nothing: 'lending' },
  })
  // The log has no secrets: what the other machine is to be told is where only its owner reads it.
  const { configuration = '', limits } = await lendingNamed(argv.home, argv.name)
  const { price, pricePerHour, rateBitsPerSecond, ...said } = event as unknown as ReturnType<typeof lentEvent>
  const rate = rateBitsPerSecond === null ? undefined : BigInt(rateBitsPerSecond) / 8n
  const lent = { ...said, limits, configuration, rate, price: { perMegabyte: price, perHour: pricePerHour } }
  tellLent(argv, revived(lent), 'in the background.')
}

const lendWithinMs = 180_000

/** Lends until that is over. */
async function hold(argv: LendOptions, wishes: LendWishes): Promise<void> {
  const stop = new AbortController()
  const forget = stopOnSignals(stop)
  try {
    await withClosers(async (closers) => {
      if (isInBackground()) boundLog()
      const lender = await openLender(argv)
      closers.add('home', lender.close)
      const token = tokenOf(lender.context.chain)
      const lendings = createLendings(argv.home, async () => lender, tellerFor(argv))
      closers.opened('lendings', lendings)
      closers.opened(
        'control socket',
        await listenControl({ path: lendSocket(argv.home) }, handlersOf(lendings)),
      )
      const onStop = () => void lendings.close()
      stop.signal.addEventListener('abort', onStop)
      const lent = await lendings.lend(wishes)
      if (!argv.json && !isInBackground()) {
        printLines(...lentLines(lent, token), ...configurationLines(lent.configuration, argv.qr))
        printLine(
          `It works while this program runs and reaches the provider. Ctrl-C pauses it, the same command goes on with the same configuration, and "pontage lend stop ${lent.name}" ends it for good.`,
        )
      }
      const isWanted = await lendings.over()
      if (!isWanted) process.exitCode = exitCode.failed
    })
  } finally {
    forget()
  }
}

/** What was typed. */
async function wishesOf(argv: LendOptions): Promise<LendWishes> {
  const { provider, country } = await meantBy({ ...argv, provider: argv.what } as never)
  // Those of the configuration are for connections, or for everything.
  const texts = (flag: string, words: Words | undefined) =>
    argv.typed?.has(flag) ? [words ?? []].flat().map(String) : []
  return {
    ...{ name: argv.name, provider, country },
    limits: {
      ...{
        budget: texts('budget', argv.budget),
        cap: texts('cap', argv.cap),
        maxPrice: texts('max-price', argv.maxPrice),
      },
      rate: argv.rate,
    },
  }
}

function tellLent(argv: LendOptions, lent: Lent, how: string): void {
  if (argv.json) {
    printJson(lentEvent(lent, true))
    return
  }
  const token = readToken(argv.home) ?? { symbol: 'tokens', decimals: 0 }
  printLines(...lentLines(lent, token), ...configurationLines(lent.configuration, argv.qr))
  printLine(`It is lent ${how} "pontage lend list" shows it, "pontage lend stop ${lent.name}" ends it.`)
}

/** As a program reads it. */
const lentEvent = ({ name, provider, configuration, limits, ...terms }: Lent, isSecretTold: boolean) => ({
  ...{ name, provider, country: terms.country },
  ...{ price: terms.price.perMegabyte, pricePerHour: terms.price.perHour, endpoint: terms.endpoint },
  rateBitsPerSecond: terms.rate === undefined ? null : Number(terms.rate * 8n),
  ...{ postQuantum: terms.postQuantum, budget: limits.budget, cap: limits.cap },
  ...(isSecretTold ? { configuration, qr: qrCode(configuration) } : {}),
})

/** What came as JSON has its amounts as text. */
function revived({ price, rate, ...said }: Lent): Lent {
  return {
    ...said,
    price: {
      perMegabyte: weiPerMegabyte(BigInt(price.perMegabyte)),
      perHour: weiPerHour(BigInt(price.perHour)),
    },
    rate: rate === undefined ? undefined : BigInt(rate),
  }
}

/** Says what happens, as it happens. */
function tellerFor(argv: LendOptions): LendingsTold {
  const say =
    argv.json || isInBackground() ? jsonEvents((line) => void process.stdout.write(line)) : undefined
  let hasTold = false
  return (name) => ({
    lent(lending, terms, isNew) {
      const isFirst = !hasTold
      hasTold = true
      if (say !== undefined) return say('lent', lentEvent(lentOf(lending, terms), !isInBackground()))
      if (isFirst) return
      printLine(`"${name}" is lent again.`)
      if (isNew)
        printLines(
          `The provider gave its addresses to somebody else: the other machine has to be told this configuration.`,
          ...configurationLines(lending.configuration ?? '', argv.qr),
        )
    },
    moved: (state, reason) => say?.('state', { name, state, reason }),
    said: (sentence) => (say ? say('said', { name, message: sentence }) : printLine(sentence)),
    report({ kind, session, bytesPerSecond }) {
      if (kind !== 'progress') {
        if (say === undefined && (kind === 'low' || kind === 'reconnecting' || kind === 'reconnected'))
          printLine(moments[kind])
        return
      }
      if (isInBackground()) return
      say?.('progress', {
        ...{ name, downBytes: Number(session.downBytes), upBytes: Number(session.upBytes) },
        ...{ bytesPerSecond: Math.round(bytesPerSecond), spent: wei(session.promised - session.base) },
      })
    },
  })
}

const moments = {
  low: 'The hub’s guarantee is nearly used up, and it gives no more now.',
  reconnecting: 'The provider does not answer; trying again. It forwards no more than its credit meanwhile.',
  reconnected: 'The provider answers again.',
}

const lentOf = (lending: Lending, terms: LentTerms): Lent => ({
  ...terms,
  ...{ name: lending.name, provider: lending.provider ?? '', limits: lending.limits },
  configuration: lending.configuration ?? '',
})

async function list(argv: LendOptions): Promise<void> {
  const lendings = await lendingsNow(argv)
  if (argv.json) return printJson({ lendings })
  if (lendings.length === 0)
    return printLine('Nothing is lent. "pontage lend --budget 1/day --qr" lends a tunnel to a phone.')
  for (const each of lendings) printLine(lendingLine(each, readToken(argv.home)))
}

async function show(argv: LendOptions): Promise<void> {
  const { name, configuration } = await lendingNamed(argv.home, argv.other ?? argv.name)
  if (configuration === undefined) throw new UserError(`"${name}" was never lent.`)
  if (argv.json) return printJson({ name, configuration, qr: qrCode(configuration) })
  printLines(...configurationLines(configuration, argv.qr))
}

async function stop(argv: LendOptions): Promise<void> {
  const name = argv.other
  if (name === undefined) throw new UserError('Which one is missing: pontage lend stop NAME.')
  const asked = { type: 'stopLending', name }
  const stopped =
    (await askControl<object>(placeToLend(argv), asked)) ??
    ((await forgetLending(argv.home, name)) ? { stopped: name } : undefined) ??
    // The socket of a killed program of this user's own keeps nobody from stopping what the service lends.
    (argv.control === undefined && asksService(argv)
      ? await askControl<object>(serviceSocket, asked)
      : undefined)
  if (stopped === undefined) await lendingNamed(argv.home, name)
  if (argv.json) return printJson({ stopped: name })
  printLine(
    `"${name}" is lent no more, and its keys are forgotten: its configuration is good for nothing now.`,
  )
}
