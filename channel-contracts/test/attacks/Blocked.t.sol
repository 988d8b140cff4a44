// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {Proposal, SessionTerms} from "../../src/interfaces/IMarketplace.sol";
import {Draw, FinalState, Parties, Payment} from "../../src/interfaces/IPaymentChannels.sol";
import {Collection, World} from "../World.sol";

/// @notice As USDC and USDT do: pays nobody on its list, nor takes from them. It also refuses transfers of nothing, and
/// to the address where others burn.
contract BlockingToken is ERC20 {
    mapping(address => bool) public blocked;

    error Blocked();

    constructor() ERC20("Blocking", "BLK") {
        _mint(msg.sender, 1_000_000_000e18);
        blocked[0x000000000000000000000000000000000000dEaD] = true;
    }

    function block_(address account, bool is_) external {
        blocked[account] = is_;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (blocked[from] || blocked[to] || value == 0) revert Blocked();
        super._update(from, to, value);
    }
}

/// @notice Who is paid may do as it likes when it is: refuse, or use up what gas there is.
contract HookToken is ERC20 {
    address private hooked;

    constructor() ERC20("Hook", "HOOK") {
        _mint(msg.sender, 1_000_000_000e18);
    }

    function hook(address receiver) external {
        hooked = receiver;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (to == hooked) Receiver(to).received();
    }
}

contract Receiver {
    function received() external pure {
        while (true) {}
    }

    function collect(IChannelMoney channels, address to) external {
        channels.collectWithheld(address(this), to, 0, 0, "");
    }
}

/// @notice Nobody whom the token refuses holds up anybody else, nor loses what is its own.
contract BlockedTest is World {
    BlockingToken private blocking;
    address[] private none;
    Parties private parties;

    function setUp() public override {
        vm.warp(START);
        blocking = new BlockingToken();
        _deploy(blocking);
        consumer = _enter("consumer", CONSUMER, 10 * WHOLE);
        hub = _enter("hub", HUB, 2_000 * WHOLE);
        provider = _enter("provider", PROVIDER, 100 * WHOLE);
        relayer = _account("relayer");
        parties = _open(1, 100 * WHOLE);
        knownOwners.push(consumer);
        knownOwners.push(provider);
        knownOwners.push(relayer);
    }

    function _leave(uint256 fee) private {
        bytes memory signature = _signExit(parties, fee, uint64(START));
        vm.prank(relayer);
        channels.requestExitFor(parties, fee, uint64(START), signature);
    }

    function test_a_blocked_relayer_locks_no_collateral() public {
        _leave(WHOLE);
        blocking.block_(relayer, true);
        vm.warp(START + EXIT_DELAY);
        assertEq(channels.exit(parties, none), 100 * WHOLE, "the fee stays in the rest");
        assertEq(_withheldOf(relayer), 0, "who relays from a blocked address is owed nothing");
        _assertConserved();
    }

    function test_a_blocked_relayer_holds_up_no_conclusion() public {
        _leave(WHOLE);
        blocking.block_(relayer, true);
        assertEq(_conclude(_final(parties)), 100 * WHOLE, "returned");
        _assertConserved();
    }

    function test_a_relayer_that_is_not_blocked_is_paid_and_named() public {
        bytes memory signature = _signExit(parties, WHOLE, uint64(START));
        bytes32 id = _id(parties);
        vm.expectEmit();
        emit IChannelMoney.ExitRequested(id, uint64(START) + EXIT_DELAY, relayer, WHOLE);
        vm.prank(relayer);
        channels.requestExitFor(parties, WHOLE, uint64(START), signature);
        vm.warp(START + EXIT_DELAY);
        uint256 before = token.balanceOf(relayer);
        vm.expectEmit();
        emit IChannelMoney.ExitFeePaid(id, relayer, WHOLE);
        assertEq(channels.exit(parties, none), 99 * WHOLE, "returned");
        assertEq(token.balanceOf(relayer) - before, WHOLE, "paid");
    }

    /// @notice 54,073 gas before, as measured here: a fee fills one slot, not two.
    function test_a_relayed_exit_request_fills_one_slot() public {
        bytes memory signature = _signExit(parties, WHOLE, uint64(START));
        vm.prank(relayer);
        uint256 before = gasleft();
        channels.requestExitFor(parties, WHOLE, uint64(START), signature);
        assertTrue(before - gasleft() < 45_000, "one new slot");
    }

    function test_an_emptied_channel_closes_though_the_token_refuses_to_pay_nothing() public {
        _leave(WHOLE);
        _drawByHub(parties, provider, 100 * WHOLE);
        vm.warp(START + EXIT_DELAY);
        assertEq(channels.exit(parties, none), 0, "closed, by hand");
        Parties memory second = _open(2, 100 * WHOLE);
        assertEq(_conclude(_finalWith(second, provider, 100 * WHOLE, 0)), 0, "closed, together");
        _assertConserved();
    }

    function test_an_emptied_pool_is_withdrawn_though_the_token_refuses_to_pay_nothing() public {
        _fund(50 * WHOLE);
        vm.prank(hub);
        channels.requestWithdrawal(50 * WHOLE);
        _redeem(hub, provider, 50 * WHOLE);
        vm.warp(START + WITHDRAWAL_DELAY);
        vm.prank(hub);
        assertEq(channels.withdraw(), 0, "nothing was left");
        assertEq(channels.hubOf(hub).pendingWithdrawal, 0, "done with");
    }

    function test_a_token_that_refuses_the_burn_address_reverts_no_short_redemption() public {
        assertEq(_redeem(hub, provider, 500 * WHOLE), 500 * WHOLE, "paid by the stake");
        assertEq(registry.burned(), 500 * WHOLE, "burned, by the count");
        _assertConserved();
    }

    function test_a_blocked_consumer_gets_its_rest_where_it_says() public {
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        blocking.block_(consumer, true);
        vm.warp(START + EXIT_DELAY);
        vm.expectEmit();
        emit IChannelMoney.Withheld(consumer, 100 * WHOLE, 100 * WHOLE);
        channels.exit(parties, none);
        assertEq(_withheldOf(consumer), 100 * WHOLE, "kept");
        _assertConserved();
        Collection memory collection = Collection(consumer, relayer, 0, 0, uint64(block.timestamp));
        bytes memory signature = _signCollection(collection);
        // Nobody sends it elsewhere, takes a fee that was not signed, or sends it later.
        collection.to = hub;
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        _collectBy(collection, signature);
        collection.to = relayer;
        collection.relayFee = 1;
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        _collectBy(collection, signature);
        collection.relayFee = 0;
        vm.warp(block.timestamp + 1);
        vm.expectPartialRevert(IChannelMoney.SignatureExpired.selector);
        _collectBy(collection, signature);
        vm.warp(block.timestamp - 1);
        uint256 before = token.balanceOf(relayer);
        vm.expectEmit();
        emit IChannelMoney.WithheldCollected(consumer, relayer, 100 * WHOLE);
        _collectBy(collection, signature);
        assertEq(token.balanceOf(relayer) - before, 100 * WHOLE, "collected");
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        _collectBy(collection, signature);
        collection.nonce = 1;
        signature = _signCollection(collection);
        vm.expectRevert(IChannelMoney.ZeroAmount.selector);
        _collectBy(collection, signature);
        _assertConserved();
    }

    function test_a_blocked_consumer_collects_with_its_own_hand() public {
        blocking.block_(consumer, true);
        _conclude(_final(parties));
        assertEq(_collect(consumer, relayer), 100 * WHOLE, "collected");
        vm.prank(relayer);
        vm.expectPartialRevert(IChannelMoney.SignatureExpired.selector);
        channels.collectWithheld(consumer, relayer, 0, 0, "");
    }

    /// @notice Whoever collected once is not sent there with what is withheld later, in time as it may be.
    function test_a_signed_collection_is_good_once() public {
        blocking.block_(consumer, true);
        _conclude(_final(parties));
        Collection memory collection = Collection(consumer, relayer, 0, 0, uint64(block.timestamp));
        bytes memory signature = _signCollection(collection);
        _collectBy(collection, signature);
        blocking.block_(consumer, false);
        Parties memory second = _open(2, 7 * WHOLE);
        blocking.block_(consumer, true);
        _conclude(_final(second));
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        _collectBy(collection, signature);
        assertEq(_withheldOf(consumer), 7 * WHOLE, "still kept");
        (, uint256 nonce) = channels.withheldOf(consumer);
        assertEq(nonce, 1, "the next nonce");
    }

    function test_a_collection_is_relayed_for_a_fee_out_of_it() public {
        blocking.block_(consumer, true);
        _conclude(_final(parties));
        address heir = vm.addr(98);
        Collection memory collection = Collection(consumer, heir, 101 * WHOLE, 0, uint64(block.timestamp));
        bytes memory signature = _signCollection(collection);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.AmountTooLarge.selector, 101 * WHOLE, 100 * WHOLE)
        );
        _collectBy(collection, signature);
        collection.relayFee = 100 * WHOLE;
        signature = _signCollection(collection);
        // All of it is no fee too many: it is this token that refuses to send on nothing.
        vm.expectRevert(BlockingToken.Blocked.selector);
        _collectBy(collection, signature);
        collection.relayFee = 3 * WHOLE;
        signature = _signCollection(collection);
        uint256 before = token.balanceOf(relayer);
        vm.prank(relayer);
        assertEq(_collectBy(collection, signature), 100 * WHOLE, "collected");
        assertEq(token.balanceOf(relayer) - before, 3 * WHOLE, "the relayer's fee");
        assertEq(token.balanceOf(heir), 97 * WHOLE, "the rest");
        _assertConserved();
    }

    function test_what_is_withheld_twice_adds_up() public {
        blocking.block_(consumer, true);
        _conclude(_final(parties));
        blocking.block_(consumer, false);
        Parties memory second = _open(2, 7 * WHOLE);
        blocking.block_(consumer, true);
        _conclude(_final(second));
        assertEq(_withheldOf(consumer), 107 * WHOLE, "both");
        _assertConserved();
    }

    function test_one_blocked_beneficiary_reverts_nobodys_redemption() public {
        _fund(100 * WHOLE);
        knownProviders.push(relayer);
        blocking.block_(provider, true);
        Payment[] memory payments = new Payment[](2);
        payments[0] = _payment(hub, provider, 10 * WHOLE);
        payments[1] = _payment(hub, relayer, 20 * WHOLE);
        assertEq(channels.redeemMany(hub, payments), 30 * WHOLE, "both are settled");
        assertEq(_withheldOf(provider), 10 * WHOLE, "what cannot be paid is kept");
        assertEq(channels.accountOf(hub, provider).paid, 10 * WHOLE, "and paid once");
        _assertConserved();
        _collect(provider, address(this));
        _assertConserved();
    }

    function test_a_blocked_provider_redeems_to_where_it_says() public {
        _fund(100 * WHOLE);
        blocking.block_(provider, true);
        vm.prank(relayer);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NotTheProvider.selector, provider, relayer));
        channels.redeemTo(_promised(hub, provider, WHOLE), relayer);
        uint256 before = token.balanceOf(relayer);
        vm.prank(provider);
        channels.redeemTo(_promised(hub, provider, WHOLE), relayer);
        assertEq(token.balanceOf(relayer) - before, WHOLE, "paid");
    }

    function test_a_blocked_consumer_is_paid_for_an_overcharge_where_it_has_its_income() public {
        Proposal memory proposal;
        proposal.provider = provider;
        proposal.country = "SI";
        proposal.pricePerMegabyte = 100;
        proposal.issuedAt = uint64(START);
        marketplace.publish(proposal, _signProposal(proposal));
        SessionTerms memory terms;
        terms.provider = provider;
        terms.consumer = consumer;
        terms.pricePerMegabyte = 101;
        terms.issuedAt = uint64(START);
        bytes memory signature = _signTerms(terms);
        blocking.block_(consumer, true);
        vm.prank(consumer);
        registry.setBeneficiary(relayer);
        uint256 before = token.balanceOf(relayer);
        marketplace.reportOvercharge(terms, signature);
        assertEq(token.balanceOf(relayer) - before, PENALTY, "paid");
    }

    function _collectBy(Collection memory collection, bytes memory signature) private returns (uint256) {
        return channels.collectWithheld(
            collection.owner, collection.to, collection.relayFee, collection.deadline, signature
        );
    }
}

/// @notice A receiver with a hook that never ends costs its own payment, not that of others.
contract HookTest is World {
    Receiver private greedy;
    address[] private none;

    function setUp() public override {
        vm.warp(START);
        _deploy(new HookToken());
        consumer = _enter("consumer", CONSUMER, 10 * WHOLE);
        hub = _enter("hub", HUB, 2_000 * WHOLE);
        provider = _enter("provider", PROVIDER, 100 * WHOLE);
        relayer = _account("relayer");
        greedy = new Receiver();
        HookToken(address(token)).hook(address(greedy));
        knownOwners.push(address(greedy));
        knownOwners.push(provider);
        _fund(100 * WHOLE);
    }

    function test_a_hook_that_never_ends_uses_up_no_batch() public {
        knownProviders.push(address(greedy));
        Payment[] memory payments = new Payment[](2);
        payments[0] = _payment(hub, address(greedy), 10 * WHOLE);
        payments[1] = _payment(hub, provider, 20 * WHOLE);
        uint256 before = gasleft();
        channels.redeemMany(hub, payments);
        assertTrue(before - gasleft() < 600_000, "bounded");
        assertEq(_withheldOf(address(greedy)), 10 * WHOLE, "kept for who refused it");
        assertEq(channels.accountOf(hub, provider).paid, 20 * WHOLE, "the other one is paid");
        _assertConserved();
        greedy.collect(channels, relayer);
        _assertConserved();
    }

    /// @notice A stranger who sends too little gas could else turn a payment into one that is kept.
    function testFuzz_no_payment_fails_for_want_of_gas(uint256 gas_) public {
        Payment[] memory payments = new Payment[](1);
        payments[0] = _payment(hub, provider, 20 * WHOLE);
        uint256 before = token.balanceOf(provider);
        (bool ok,) = address(channels).call{gas: bound(gas_, 30_000, 400_000)}(
            abi.encodeCall(channels.redeemMany, (hub, payments))
        );
        assertEq(_withheldOf(provider), 0, "never kept");
        assertEq(token.balanceOf(provider) - before, ok ? 20 * WHOLE : 0, "paid, or nothing happened");
    }
}
