// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A provider's offer, as it signs it.
/// @param service At most 32 bytes.
/// @param country Where traffic comes out: two letters from A to Z.
/// @param endpoint At most 256 bytes.
/// @param wireguardKey Public key of its tunnels.
/// @param certificate SHA-256 fingerprint of the certificate behind `endpoint`.
/// @param exitPolicy At most 256 bytes.
/// @param hubs Hubs whose guarantees it takes, at most 32.
struct Proposal {
    address provider;
    string service;
    uint256 pricePerMegabyte;
    uint256 pricePerHour;
    string country;
    string endpoint;
    bytes32 wireguardKey;
    bytes32 certificate;
    string exitPolicy;
    address[] hubs;
    uint64 issuedAt;
}

/// @notice What a provider signs for one session.
struct SessionTerms {
    address provider;
    address consumer;
    bytes32 channelId;
    uint256 pricePerMegabyte;
    uint256 pricePerHour;
    uint256 creditBytes;
    uint64 issuedAt;
    uint64 validUntil;
}

/// @notice Prices of a provider.
/// @param live Whether an offer stands.
/// @param issuedAt When the last offer was signed, or withdrawn.
/// @param pricePerMegabyte In force now, in the token's smallest unit.
/// @param nextPricePerMegabyte In force from `nextAt`; the same as now when no raise is announced.
struct OfferView {
    bool live;
    uint64 issuedAt;
    uint256 pricePerMegabyte;
    uint256 pricePerHour;
    uint256 nextPricePerMegabyte;
    uint256 nextPricePerHour;
    uint64 nextAt;
}

/// @notice Set once, at deployment.
/// @param maxRaiseBps How far a price may rise in a day, in 1/10,000; at least one smallest step is allowed.
/// @param raiseNotice Seconds from the publication of a raise until it is in force; at least one, at most a day.
/// @param overchargePenalty Tokens a proven overcharge costs to the consumer's favour; as much again is burned.
struct MarketSettings {
    uint16 maxRaiseBps;
    uint64 raiseNotice;
    uint256 overchargePenalty;
}

/// @title Offers, and the guard over their prices.
interface IMarketplace {
    /// @notice The whole offer. Its prices are in force from `effectiveAt`.
    event ProposalPublished(address indexed provider, Proposal proposal, bytes signature, uint64 effectiveAt);
    /// @notice The offer no longer stands. The price guard goes on.
    event ProposalWithdrawn(address indexed provider);
    /// @notice A provider had signed terms dearer than its price; `paid` went to the consumer.
    event OverchargeProven(
        address indexed provider, address indexed consumer, bytes32 indexed termsDigest, uint256 paid
    );

    /// @notice The settings are out of bounds, or the registry expects another contract.
    error BadSettings();
    /// @notice This identity is no provider, lacks the stake for it, or has a debt.
    error NotActive(address identity, uint8 roles);
    /// @notice The signature is not that of `expected` over what was sent.
    error WrongSigner(address expected);
    /// @notice A price fits `maximum`.
    error PriceTooLarge(uint256 price, uint256 maximum);
    /// @notice A price rises in a day by at most its share above the lowest of that day.
    error RaiseTooLarge(address provider, uint256 price, uint256 limit);
    /// @notice A newer offer was published or withdrawn.
    error StaleProposal(address provider, uint64 issuedAt, uint64 lastIssuedAt);
    /// @notice An offer may be ahead of the chain's clock by an hour.
    error ProposalFromTheFuture(uint64 issuedAt, uint256 blockTime);
    /// @notice This provider has no offer that stands.
    error NoOffer(address provider);
    /// @notice This provider had no price at that time.
    error NoPriceAt(address provider, uint64 time);
    /// @notice The terms are no dearer than the price in force.
    error NotOvercharged(uint256 price, uint256 priceInForce);
    /// @notice These terms were punished before.
    error AlreadyReported(bytes32 termsDigest);
    /// @notice A service has at most 32 bytes, endpoint and exit policy 256, and an offer names at most 32 hubs.
    error OfferTooLong(uint256 length, uint256 maximum);
    /// @notice A country is two letters from A to Z.
    error NotACountry(string country);

    /// @notice Publishes an offer; anyone may, with the provider's signature (ERC-1271 accepted). Lower prices are
    /// in force at once, a raise after the notice; both prices wait for a raise of either.
    function publish(Proposal calldata proposal, bytes calldata signature) external;

    /// @notice Withdraws the caller's offer.
    function withdrawOffer() external;

    /// @notice Slashes a provider for signed terms dearer than the price in force when they were issued; once per
    /// terms. Anyone may call, the beneficiary of the terms' consumer is paid.
    /// @return paid Tokens the consumer received.
    function reportOvercharge(SessionTerms calldata terms, bytes calldata signature)
        external
        returns (uint256 paid);

    /// @notice Prices in force at a time.
    function priceAt(address provider, uint64 time)
        external
        view
        returns (uint256 pricePerMegabyte, uint256 pricePerHour);

    /// @notice A provider's prices now, and the raise it announced.
    function offerOf(address provider) external view returns (OfferView memory);

    /// @notice What this contract was deployed with.
    function settings() external view returns (MarketSettings memory);

    /// @notice The IdentityRegistry of this deployment.
    function registry() external view returns (address);
}
