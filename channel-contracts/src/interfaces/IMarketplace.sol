// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A provider's offer, as it signs it.
/// @param wireguardKey Public key of its tunnels.
/// @param certificate SHA-256 fingerprint of the certificate behind `endpoint`.
/// @param hubs Hubs whose guarantees it takes.
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
/// @param raiseNotice Seconds from the publication of a raise until it is in force.
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

    error BadSettings();
    error NotActive(address identity, uint8 roles);
    error WrongSigner(address expected);
    error PriceTooLarge(uint256 price, uint256 maximum);
    error RaiseTooLarge(address provider, uint256 price, uint256 limit);
    error StaleProposal(address provider, uint64 issuedAt, uint64 lastIssuedAt);
    error ProposalFromTheFuture(uint64 issuedAt, uint256 blockTime);
    error NoOffer(address provider);
    error NoPriceAt(address provider, uint64 time);
    error NotOvercharged(uint256 price, uint256 priceInForce);
    error AlreadyReported(bytes32 termsDigest);

    /// @notice Publishes an offer; anyone may, with the provider's signature (ERC-1271 accepted). Lower prices are
    /// in force at once, a raise after the notice; both prices wait for a raise of either.
    function publish(Proposal calldata proposal, bytes calldata signature) external;

    /// @notice Withdraws the caller's offer.
    function withdrawOffer() external;

    /// @notice Slashes a provider for signed terms dearer than the price in force when they were issued; once per
    /// terms. Anyone may call, the consumer of the terms is paid.
    /// @return paid Tokens the consumer received.
    function reportOvercharge(SessionTerms calldata terms, bytes calldata signature)
        external
        returns (uint256 paid);

    /// @notice Prices in force at a time.
    function priceAt(address provider, uint64 time)
        external
        view
        returns (uint256 pricePerMegabyte, uint256 pricePerHour);

    function offerOf(address provider) external view returns (OfferView memory);

    function settings() external view returns (MarketSettings memory);

    function registry() external view returns (address);
}
