/**
 * Chains whose blocks one sequencer makes. While it is away, or shuts somebody out, a transaction gets in through the
 * chain below, which takes so long: whoever must act in time has so much less of it.
 */
export const forcedInclusion: ReadonlyMap<number, { readonly name: string; readonly seconds: number }> =
  new Map(
    (
      [
        // The sequencer window of the OP Stack: 3,600 blocks of 12 seconds.
        [10, 'OP Mainnet', 12],
        [130, 'Unichain', 12],
        [480, 'World Chain', 12],
        [8453, 'Base', 12],
        [84532, 'Base Sepolia', 12],
        [11155420, 'OP Sepolia', 12],
        // The delayed inbox of Arbitrum: a day.
        [42161, 'Arbitrum One', 24],
        [42170, 'Arbitrum Nova', 24],
        [421614, 'Arbitrum Sepolia', 24],
      ] as const
    ).map(([chainId, name, hours]) => [chainId, { name, seconds: hours * 3600 }]),
  )

/** What remains to act in once a forced transaction is in. */
export const inclusionMargin = 6 * 3600

/**
 * The shortest time in which somebody may have to act is `maxGuarantee`: so long a hub has to draw what it guaranteed
 * when a larger protest appears. All other delays are longer, which the constructor of PaymentChannels sees to.
 *
 * @returns Why these delays are too short for this chain; undefined when they are not, or nothing is known of it.
 */
export function tooShort(
  chainId: number,
  delays: { readonly maxGuarantee: bigint | number },
): string | undefined {
  const known = forcedInclusion.get(chainId)
  if (!known) return undefined
  const least = known.seconds + inclusionMargin
  if (delays.maxGuarantee >= least) return undefined
  return `On ${known.name} a transaction may need ${known.seconds / 3600} h to be included against the sequencer's will, so maxGuarantee must be at least ${least} s, not ${delays.maxGuarantee} s, and the other delays as much longer.`
}
