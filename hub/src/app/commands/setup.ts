import { coinDecimals, isActive, parseTokens, roles, type Wei, wei } from '@pontage/shared'
import {
  addressOf,
  approveAtLeast,
  type Chain,
  chainOf,
  createSender,
  freePort,
  fundsStep,
  identityOf,
  inTokens,
  type Known,
  type Question,
  readHub,
  readStanding,
  type Step,
  serviceStep,
  settingGiven,
  setupCommand,
  takeSetting,
  UserError,
  yesOrNo,
} from '@pontage/shared/node'
import { isHomeTaken } from '../../io/sqlite/open.js'
import { settings } from './init.js'
import { hubUrl, type Registration, registerHub } from './register.js'

const registrationOf = ({ given }: Known) => given as unknown as Registration

const certificates = ['tls', 'tlsCertificate', 'proxyCertificate'] as const

const tls: Question<Known> = {
  ...{ flag: 'tls', value: 'yes|no', ask: 'Serve with TLS, by a certificate of its own' },
  usual: () => 'yes',
  ...yesOrNo,
  isNeeded: ({ given }) => !certificates.some((name) => given[name] !== undefined && given[name] !== false),
  given: ({ given }) => (given.typed?.has('tls') ? `${given.tls}` : undefined),
  take(answer, known) {
    const isOn = !/^(no|false|off|0)$/i.test(answer)
    takeSetting(known, 'tls', `${isOn}`)
    known.given.tls = isOn
  },
}

const url: Question<Known> = {
  ...{ flag: 'url', value: 'wss://HOST:PORT', ask: 'Public address of the hub' },
  given: (known) => settingGiven(known, 'url'),
  async take(answer, known) {
    known.given.url = answer
    if (!URL.canParse(answer)) throw new UserError(`"${answer}" is not an address. Give wss://HOST:PORT.`)
    // A certificate of its own is made with the key.
    if (known.given.tls === true) {
      if (!answer.startsWith('wss://'))
        throw new UserError(`With TLS the address is wss://HOST:PORT, not "${answer}". Write wss.`)
    } else await hubUrl(registrationOf(known))
    takeSetting(known, 'url', answer)
  },
}

const port: Question<Known> = {
  ...{ flag: 'port', value: 'PORT', ask: 'TCP port to listen on' },
  usual: ({ given }) => (URL.canParse(`${given.url}`) && new URL(`${given.url}`).port) || '7700',
  given: ({ given, answers }) =>
    given.typed?.has('port') || answers.has('port') ? `${given.port}` : undefined,
  async take(answer, known) {
    if (!isHomeTaken(known.home)) await freePort(answer, 'tcp')
    takeSetting(known, 'port', answer)
  },
}

async function isUnregistered({ chain, address }: Known): Promise<boolean> {
  if (chain === undefined || address === undefined) return true
  return !isActive(await readStanding(chain, address), 'hub')
}

const stake: Question<Known> = {
  ...{ flag: 'stake', value: 'TOKENS', ask: 'Stake, which you get back when you wind down' },
  usual: () => '1000',
  isNeeded: isUnregistered,
  given: (known) => settingGiven(known, 'stake'),
  async take(answer, known) {
    const chain = chainOf(known)
    const least = await chain.registry.minimumStake(roles.hub)
    if (parseTokens(answer, chain.tokenDecimals) < least)
      throw new UserError(`A hub needs a stake of ${inTokens(chain, least)}. Give at least that.`)
    known.given.stake = answer
  },
}

const pool: Question<Known> = {
  ...{ flag: 'pool', value: 'TOKENS', ask: 'Pool, out of which providers are paid at once' },
  usual: () => '500',
  given: (known) => settingGiven(known, 'pool'),
  take(answer, known) {
    parseTokens(answer, chainOf(known).tokenDecimals)
    known.given.pool = answer
  },
}

/** What the pool lacks of what it is to hold. */
async function missingInPool(known: Known): Promise<Wei> {
  const chain = chainOf(known)
  const wanted = parseTokens(`${known.given.pool}`, chain.tokenDecimals)
  const { pool: has } = await readHub(chain, addressOf(known))
  return wei(wanted > has ? wanted - has : 0n)
}

const funds = fundsStep(async (known) => {
  const { tokenDecimals } = chainOf(known)
  const staked = (await isUnregistered(known)) ? parseTokens(`${known.given.stake}`, tokenDecimals) : 0n
  return {
    tokens: staked + (await missingInPool(known)),
    coin: parseTokens(`${known.given.gasWarning}`, coinDecimals),
  }
})

const registration: Step<Known> = {
  name: 'registration',
  async there(known) {
    const standing = await readStanding(chainOf(known), addressOf(known))
    return isActive(standing, 'hub')
      ? `Registered as a hub at ${standing.url}, with a stake of ${inTokens(chainOf(known), standing.stake)}.`
      : undefined
  },
  async act(known) {
    const { url: published } = await registerHub(registrationOf(known), chainOf(known))
    return `Registered as a hub at ${published}, with a stake of ${known.given.stake} ${chainOf(known).tokenSymbol}.`
  },
}

const poolStep: Step<Known> = {
  name: 'pool',
  there: async (known) =>
    (await missingInPool(known)) === 0n ? `The pool holds ${await poolText(known)}.` : undefined,
  async act(known) {
    await fillPool(known, chainOf(known), await missingInPool(known))
    return `The pool holds ${await poolText(known)} now.`
  },
}

async function fillPool(known: Known, chain: Chain, amount: Wei): Promise<void> {
  const identity = await identityOf(known)
  const sender = createSender(chain, identity)
  await approveAtLeast(chain, sender, identity.address, chain.deployment.channels, amount)
  await sender.send(chain.channels.fund.populateTransaction(identity.address, amount))
}

const poolText = async (known: Known): Promise<string> =>
  inTokens(chainOf(known), (await readHub(chainOf(known), addressOf(known))).pool)

const service = serviceStep(
  {
    ...{ unit: 'pontage-hub', home: '/var/lib/pontage-hub', user: 'pontage-hub' },
    password: { path: '/etc/pontage/hub-password', encrypted: false },
  },
  () => 'pontage-hub run',
)

/** Leads an operator from nothing to a hub that can run. */
export const setup = setupCommand({
  program: 'pontage-hub',
  describe:
    'Set everything up by questions: network, key, address, stake, pool, service; run it again to go on',
  settings,
  flags: {
    url: { type: 'string', requiresArg: true, describe: 'Public address of the hub, wss://HOST:PORT' },
    stake: { type: 'string', requiresArg: true, describe: 'Tokens to stake; 1000 by default' },
    pool: { type: 'string', requiresArg: true, describe: 'Tokens that the pool is to hold; 500 by default' },
  },
  questions: [tls, url, port, stake, pool],
  steps: [funds, registration, poolStep, service],
  next: ['"pontage-hub doctor" checks everything, "pontage-hub status" shows how things stand.'],
})
