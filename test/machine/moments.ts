/** How often power is cut, and where the moments come from: the same seed gives the same moments. */
export const cuts = Number(process.env.PONTAGE_CUTS ?? 20)
export const seed = Number(process.env.PONTAGE_SEED ?? 20_261_129)

/** Numbers from 0 up to 1: an ordinary linear congruential generator. */
export function* momentsOf(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state / 2 ** 31
  }
}
