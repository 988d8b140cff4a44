import { randomBytes } from 'node:crypto'
import { type Address, address, priceFields, systemClock, unixSeconds } from '@pontage/shared'
import {
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  createTypedData,
  type Given,
  type KeyOptions,
  keyFlags,
  noCertificate,
  onChain,
  ownCertificate,
  printJson,
  printLines,
  qrCode,
  timeOf,
  UserError,
  unlock,
  wholeNumber,
  writeInvitation,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { InvitationStore, type KeptInvitation } from '../../io/store/invitationStore.js'
import { openDatabase } from '../../io/store/storeSchema.js'
import { readSettings, type ServeOptions, serveFlags } from './options.js'

const inviteFlags = {
  for: {
    type: 'string',
    requiresArg: true,
    describe: 'Identity that it is for; by default whoever has the link',
  },
  uses: {
    type: 'number',
    requiresArg: true,
    describe: 'How many identities may use it; by default any number',
  },
  expires: { type: 'string', default: '30d', describe: 'How long it is good: 12h, 30d' },
  qr: {
    type: 'boolean',
    default: true,
    describe: 'Show the link as a QR code, too (--no-qr to leave it out)',
  },
} as const

type Options = ChainOptions &
  KeyOptions &
  Given<typeof inviteFlags> & { action: 'new' | 'list' | 'revoke'; id?: string; json: boolean }

/** Hands out what leads to a provider, and takes it back; a running provider heeds it at once. */
export const inviteCommand: CommandModule<CommonOptions, Options> = {
  command: 'invite [action] [id]',
  describe: 'Make an invitation: a link that leads to this provider, listed or not; list or revoke them',
  builder: {
    ...chainFlags,
    ...keyFlags,
    ...hidden(serveFlags),
    ...inviteFlags,
    action: { choices: ['new', 'list', 'revoke'], default: 'new', describe: 'What to do' },
    id: { type: 'string', describe: 'The invitation to revoke' },
  } as never,
  async handler(options) {
    const db = openDatabase(options.home)
    const store = new InvitationStore(db)
    try {
      if (options.action === 'list') return list(store, options.json)
      if (options.action === 'revoke') return revoke(store, options)
      await onChain(options, (chain) => invite(store, options, chain))
    } finally {
      db.close()
    }
  },
}

/** Settings of `run`: what they say stands in an invitation, too. */
function hidden(flags: typeof serveFlags) {
  return Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, { ...flag, hidden: true }]))
}

async function invite(store: InvitationStore, options: Options, chain: Chain): Promise<void> {
  const settings = readSettings(options as unknown as ServeOptions, chain)
  const identity = await unlock(options)
  const typedData = createTypedData(chain.deployment)
  const now = systemClock.now()
  const consumer = options.for === undefined ? undefined : address(options.for)
  const uses = options.uses === undefined ? undefined : wholeNumber('--uses', options.uses, 1)
  const expiresAt = unixSeconds(now + secondsOf(options.expires))
  const path = `/${randomBytes(16).toString('base64url')}`
  const { host, port } = settings.endpoint
  const invitation = typedData.signed(
    'Invitation',
    {
      provider: identity.address,
      consumer: consumer ?? (`0x${'00'.repeat(20)}` as Address),
      ...priceFields(settings.price),
      country: settings.country,
      endpoint: `${host}:${port}`,
      path,
      certificate: settings.tls ? noCertificate : (await ownCertificate(options.home)).fingerprint,
      exitPolicy: settings.exitPolicy,
      hubs: settings.hubs,
      issuedAt: now,
      expiresAt,
    },
    identity.privateKey,
  )
  const id = randomBytes(4).toString('hex')
  store.add({ id, consumer, uses, madeAt: now, expiresAt }, path)
  const link = writeInvitation(invitation)
  if (options.json) return printJson({ id, link, consumer: consumer ?? null, uses: uses ?? null, expiresAt })
  const whom = consumer ?? (uses === undefined ? 'whoever has the link' : `${uses} with the link`)
  printLines(`Invitation ${id} for ${whom}, until ${timeOf(expiresAt)}:`, link)
  if (options.qr) printLines(qrCode(link))
}

const unitSeconds: Readonly<Record<string, number>> = { h: 3_600, d: 86_400 }

function secondsOf(text: string): number {
  const [, number, unit = ''] = /^([1-9]\d{0,4})([hd])$/.exec(text) ?? []
  if (number === undefined)
    throw new UserError(`--expires is "${text}": expected hours or days, such as 12h or 30d.`)
  return Number(number) * (unitSeconds[unit] ?? 0)
}

function revoke(store: InvitationStore, { id, json }: Options): void {
  if (id === undefined) throw new UserError('Which one is missing: pontage-provider invite revoke ID.')
  if (!store.revoke(`${id}`, systemClock.now()))
    throw new UserError(`There is no invitation ${id} in force. See: pontage-provider invite list.`)
  if (json) printJson({ revoked: id })
  else printLines(`Invitation ${id} is revoked. Sessions that it began go on.`)
}

function list(store: InvitationStore, json: boolean): void {
  const all = store.all()
  const asJson = (each: KeptInvitation) => ({
    ...each,
    consumer: each.consumer ?? null,
    uses: each.uses ?? null,
  })
  if (json) printJson({ invitations: all.map(asJson) })
  else printLines(...(all.length === 0 ? ['No invitation was made yet.'] : all.map(line)))
}

function line({ id, consumer, uses, usedBy, expiresAt, isRevoked }: KeptInvitation): string {
  const whom = consumer ?? (uses === undefined ? 'whoever has it' : `${uses} who have it`)
  const used = usedBy.length === 0 ? 'not used yet' : `used by ${usedBy.join(', ')}`
  return `${id}  for ${whom}  ${isRevoked ? 'revoked' : `until ${timeOf(expiresAt)}`}  ${used}`
}
