import { address, coinDecimals, isActive, parseTokens, parseTrafficPrice, roles } from '@pontage/shared'
import {
  addressOf,
  chainOf,
  freePort,
  fundsStep,
  hubsOfChain,
  inTokens,
  type Known,
  payee,
  type Question,
  readStanding,
  type Step,
  serviceStep,
  settingGiven,
  setupCommand as setupOf,
  takeSetting,
  UserError,
  yesOrNo,
} from '@pontage/shared/node'
import { isRunning } from '../../io/store/homeLock.js'
import { settings } from './init.js'
import { readEndpoint } from './options.js'
import { registerProvider } from './register.js'

/** A setting that is asked for as it stands in the configuration. */
const setting = (
  flag: string,
  value: string,
  ask: string,
  check: (answer: string, known: Known) => string | Promise<string>,
  more: Partial<Question<Known>> = {},
): Question<Known> => ({
  ...{ flag, value, ask },
  given: (known) => settingGiven(known, flag),
  take: async (answer, known) => takeSetting(known, flag, await check(answer, known)),
  ...more,
})

/** A port that is free, or that of the program which runs already. */
const port = async (text: string, transport: 'tcp' | 'udp', { home }: Known): Promise<string> =>
  isRunning(home) ? text : `${await freePort(text, transport)}`

const endpoint = setting(
  'endpoint',
  'HOST:PORT',
  'Public address that consumers connect to',
  async (answer, known) => {
    const read = readEndpoint(answer)
    if (known.given.port === undefined) await port(`${read.port}`, 'tcp', known)
    return answer
  },
)

const wireguardPort = setting(
  'wireguard-port',
  'PORT',
  'UDP port for the tunnels, which has to be reachable too',
  (answer, known) => port(answer, 'udp', known),
  { usual: () => '51820' },
)

const country = setting('country', 'DE', 'Country where the traffic exits', (answer) => {
  if (!/^[A-Za-z]{2}$/.test(answer))
    throw new UserError(`"${answer}" is not a country: expected a code of two letters, such as DE.`)
  return answer.toUpperCase()
})

const price = setting('price', 'TOKENS/GB', 'Price of traffic', (answer, known) => {
  const text = answer.includes('/') ? answer : [answer, 'GB'].join('/')
  parseTrafficPrice(text, chainOf(known).tokenDecimals)
  return text
})

const hubs: Question<Known> = {
  ...{ flag: 'hub', value: 'ADDRESS', ask: 'Hubs whose guarantees you accept', isList: true },
  given: (known) => settingGiven(known, 'hub'),
  choices: async (known) =>
    [...new Set([...known.hubs, ...hubsOfChain(chainOf(known).deployment.chainId)])].map((hub) => ({
      value: hub,
      label: hub,
    })),
  async take(answer, known) {
    const named = answer.split(',').map((text) => address(text.trim()))
    for (const hub of named)
      if (!isActive(await readStanding(chainOf(known), hub), 'hub'))
        throw new UserError(`${hub} is not registered as a hub with the minimum stake. Choose another.`)
    takeSetting(known, 'hub', named)
  },
}

/** What the provider has staked; undefined where it cannot be asked yet. */
const standingOf = async ({ chain, address: own }: Known) =>
  chain === undefined || own === undefined ? undefined : readStanding(chain, own)

async function isUnregistered(known: Known): Promise<boolean> {
  const standing = await standingOf(known)
  return standing === undefined || !isActive(standing, 'provider')
}

const stake: Question<Known> = {
  ...{ flag: 'stake', value: 'TOKENS', ask: 'Stake, which you get back when you retire' },
  usual: () => '50',
  isNeeded: isUnregistered,
  given: (known) => settingGiven(known, 'stake'),
  async take(answer, known) {
    const chain = chainOf(known)
    const has = (await standingOf(known))?.stake ?? 0n
    const [given, least] = [
      parseTokens(answer, chain.tokenDecimals) + has,
      await chain.registry.minimumStake(roles.provider),
    ]
    if (given < least)
      throw new UserError(`A provider needs a stake of ${inTokens(chain, least)}. Give more.`)
    known.given.stake = answer
  },
}

const ownAddress = 'own'

const beneficiary: Question<Known> = {
  ...{ flag: 'beneficiary', value: 'ADDRESS', ask: 'Address that is paid (own: this key’s)' },
  usual: () => ownAddress,
  isNeeded: isUnregistered,
  given: (known) => settingGiven(known, 'beneficiary'),
  take(answer, known) {
    known.given.beneficiary = answer === ownAddress ? undefined : payee(answer, chainOf(known).deployment)
  },
}

const funds = fundsStep(async (known) => {
  const { tokenDecimals } = chainOf(known)
  const coin = parseTokens(`${known.given.gasWarning}`, coinDecimals)
  if (!(await isUnregistered(known))) return { tokens: 0n, coin }
  return { tokens: parseTokens(`${known.given.stake}`, tokenDecimals), coin }
})

const registration: Step<Known> = {
  name: 'registration',
  async there(known) {
    const standing = await readStanding(chainOf(known), addressOf(known))
    return isActive(standing, 'provider')
      ? `Registered as a provider, with a stake of ${inTokens(chainOf(known), standing.stake)}.`
      : undefined
  },
  async act(known) {
    const registered = await registerProvider(known.given as never, chainOf(known))
    return `Registered as a provider with a stake of ${inTokens(chainOf(known), registered.stake)}; what it earns goes to ${registered.beneficiary}.`
  },
}

const service = serviceStep(
  {
    ...{ unit: 'pontage-provider', home: '/var/lib/pontage-provider' },
    password: { path: '/etc/pontage/provider-password', encrypted: false },
  },
  () => 'sudo pontage-provider run',
)

const autoRedeem = setting(
  'auto-redeem',
  'yes|no',
  'Turn what hubs owe into tokens by itself',
  (answer) => `${!/^(no|false|off|0)$/i.test(answer)}`,
  { usual: () => 'yes', ...yesOrNo, given: ({ given }) => (given.autoRedeem === true ? 'yes' : undefined) },
)

export const setupCommand = setupOf({
  program: 'pontage-provider',
  describe: 'Set everything up by questions: network, key, offer, stake, service; run it again to go on',
  settings,
  flags: {
    stake: { type: 'string', requiresArg: true, describe: 'Tokens to stake; 50 by default' },
    beneficiary: {
      type: 'string',
      requiresArg: true,
      describe: 'Address that is paid; by default the identity itself',
    },
  },
  questions: [endpoint, wireguardPort, country, price, hubs, autoRedeem, stake, beneficiary],
  steps: [funds, registration, service],
  next: ['"pontage-provider doctor" checks everything, "pontage-provider status" shows how things stand.'],
})
