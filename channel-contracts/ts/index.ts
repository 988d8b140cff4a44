/**
 * The contracts as TypeScript sees them. Programs that talk to a deployment connect through the interfaces
 * (`IPaymentChannels__factory.connect(address, runner)`).
 */

export {
  IdentityRegistry__factory,
  IIdentityRegistry__factory,
  IMarketplace__factory,
  IPaymentChannels__factory,
  Marketplace__factory,
  PaymentChannels__factory,
  TestToken__factory,
} from '../types/factories/index.js'
export type {
  IIdentityRegistry,
  PermitStruct,
  RegistrationStruct,
  StandingStruct,
  StandingStructOutput,
} from '../types/IIdentityRegistry.js'
export type {
  IMarketplace,
  MarketSettingsStruct,
  MarketSettingsStructOutput,
  OfferViewStruct,
  OfferViewStructOutput,
  ProposalStruct,
  ProposalStructOutput,
  SessionTermsStruct,
} from '../types/IMarketplace.js'
export type {
  AccountViewStruct,
  AccountViewStructOutput,
  BatchStruct,
  ChannelSettingsStruct,
  ChannelSettingsStructOutput,
  ChannelViewStruct,
  ChannelViewStructOutput,
  DrawStruct,
  FinalStateStruct,
  HubViewStruct,
  HubViewStructOutput,
  IPaymentChannels,
  OpeningStruct,
  PartiesStruct,
  PaymentStruct,
  RedemptionStruct,
  SignedReleaseStruct,
  SlipStruct,
  TabViewStruct,
  TabViewStructOutput,
  TotalStruct,
} from '../types/IPaymentChannels.js'
export type { TestToken } from '../types/TestToken.js'
export * from './deployment.js'
export * from './forcedInclusion.js'
