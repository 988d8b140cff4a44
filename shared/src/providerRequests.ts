import * as z from 'zod'
import { parties, signed, zodBytes, zodBytes32, zodHexOf, zodUint256, zodWei } from './wireFields.js'

/** A provider's account of a session: what its kernel counted, and the totals of the channel. */
export const sessionAccount = {
  downBytes: zodBytes,
  upBytes: zodBytes,
  downPackets: zodUint256,
  upPackets: zodUint256,
  owed: zodWei,
  promised: zodWei,
} as const

/** Without a zone, and without an IPv4 address at its end: as a rule of the kernel takes it. */
const zodIpv6 = z.ipv6().regex(/^[0-9a-fA-F:]+$/)

/** What a consumer asks of a provider. */
export const providerRequests = {
  /** Consumer → provider: on which terms? Answered also with the last promise it holds on this channel. */
  terms: {
    params: z.object({ channel: parties }),
    result: z.object({
      terms: signed('SessionTerms'),
      lastPromise: signed('MicroPromise').nullable(),
      /** Ceiling the provider would like the guarantee to have, on top of what was promised before. */
      ceiling: zodWei,
    }),
  },
  /** Consumer → provider: start, on the terms just given; carries the request the provider forwards to the hub. */
  open: {
    params: z.object({
      channel: parties,
      wireguardKey: zodBytes32,
      /** ML-KEM-768 (FIPS 203): for the half of the pre-shared key that no quantum computer reads from a recording. */
      encapsulationKey: zodHexOf(1_184).optional(),
      guaranteeRequest: signed('GuaranteeRequest'),
      /**
       * The tunnel is for another machine, such as a phone, with the stock WireGuard app: its consumer pays by the provider's
       * count (docs/protocol.md, section 5, Lending).
       */
      lend: z
        .object({
          /** The addresses that the other machine has already; given again where they are free. */
          address4: z.ipv4().optional(),
          address6: zodIpv6.optional(),
          /** Bytes, in both directions together, after which nothing more is to be forwarded. */
          limit: zodBytes.optional(),
        })
        .optional(),
    }),
    result: z.object({
      session: z.string().max(64),
      guarantee: signed('Guarantee'),
      /** Said by a provider that heeds `lend`; left out by an older one. */
      lent: z.literal(true).optional(),
      tunnel: z.object({
        /** The provider's WireGuard public key for this session. */
        publicKey: zodBytes32,
        /** The pre-shared key, or the random half of it where there is a ciphertext (docs/protocol.md, section 5). */
        presharedKey: zodBytes32,
        /** The secret half, for the encapsulation key that was sent; left out by a provider that knows of none. */
        ciphertext: zodHexOf(1_088).optional(),
        /** UDP port beside the endpoint's host. */
        port: z.number().int().min(1).max(65_535),
        /** The consumer's addresses inside the tunnel, and the provider's. */
        address4: z.ipv4(),
        address6: zodIpv6,
        gateway4: z.ipv4(),
        gateway6: zodIpv6,
        dns: z.array(z.union([z.ipv4(), zodIpv6])).max(4),
        /** The largest packet that the provider's end takes. What the path between the two takes may be less. */
        mtu: z.number().int().min(1_280).max(65_535),
        /** TCP port of the payment socket on the gateway, reached inside the tunnel. */
        paymentPort: z.number().int().min(1).max(65_535),
      }),
    }),
  },
  /**
   * Consumer → provider, on the payment socket inside the tunnel: this is the socket of that session. `mtu` is the
   * largest packet that came through the tunnel whole; left out, the provider's own end is the measure.
   */
  attach: {
    params: z.object({
      session: z.string().max(64),
      mtu: z.number().int().min(1_280).max(65_535).optional(),
    }),
    result: z.object({ promised: zodWei }),
  },
  /**
   * Consumer → provider, on a connection of its own: from now on this connection carries the tunnel's packets of that
   * session, in frames of packets (docs/protocol.md, section 5).
   */
  carry: {
    params: z.object({ session: z.string().max(64) }),
    result: z.object({}),
  },
  /**
   * Consumer → provider: the guarantee of the session that runs on this channel is nearly used up; take this request
   * for a larger one to the hub.
   */
  raise: {
    params: z.object({ channel: parties, guaranteeRequest: signed('GuaranteeRequest') }),
    result: z.object({ guarantee: signed('Guarantee') }),
  },
  /** Consumer → provider: end the session. The answer is the provider's account of it. */
  end: {
    params: z.object({ session: z.string().max(64) }),
    result: z.object(sessionAccount),
  },
} as const
