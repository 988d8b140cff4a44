// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {Batch, Draw, Parties, Payment, Redemption, Slip} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

/// @notice Cheat codes that only these tests use.
interface Ear {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
}

/// @notice Answers a question about a signature as its owner tells it to.
contract MoodyWallet {
    bool private accepts = true;
    bool private endless;

    function set(bool accepts_, bool endless_) external {
        (accepts, endless) = (accepts_, endless_);
    }

    function register(address registry, address channels, address hub, address token) external {
        (bool ok,) = token.call(abi.encodeWithSignature("approve(address,uint256)", registry, 2e18));
        require(ok, "approve");
        (ok,) = token.call(abi.encodeWithSignature("approve(address,uint256)", channels, 100e18));
        require(ok, "approve");
        (ok,) = registry.call(
            abi.encodeWithSignature("register(uint8,uint256,address,string)", 1, 2e18, address(0), "")
        );
        require(ok, "register");
        (ok,) = channels.call(abi.encodeWithSignature("open(address,uint48,uint256)", hub, 1, 100e18));
        require(ok, "open");
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        while (endless) {}
        return accepts ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @notice Many draws and redemptions in one transaction: each as if it were alone, and none in the way of another.
contract BatchesTest is World {
    Parties[] private lanes;

    function setUp() public override {
        super.setUp();
        address second = _enter("second consumer", CONSUMER, 10 * WHOLE);
        lanes.push(_open(1, 100 * WHOLE));
        lanes.push(_openBetween(second, hub, 1, 60 * WHOLE));
        lanes.push(_openBetween(second, hub, 2, 40 * WHOLE));
        _fund(200 * WHOLE);
        knownProviders.push(relayer);
        knownOwners.push(relayer);
    }

    // ------------------------------------------------- what anybody could revert

    function test_one_expired_guarantee_reverts_no_batch() public {
        Draw[] memory orders = new Draw[](4);
        // The longest there is, when the batch is included.
        orders[3] = _guaranteedUntil(
            lanes[0], relayer, 5 * WHOLE, 5 * WHOLE, uint64(START) + 1 hours + MAX_GUARANTEE
        );
        orders[0] = _guaranteedUntil(lanes[0], provider, 10 * WHOLE, 10 * WHOLE, uint64(START) + 1 hours);
        orders[1] = _guaranteedUntil(lanes[1], provider, 20 * WHOLE, 20 * WHOLE, uint64(START) + 2 hours);
        orders[2] = _guaranteedUntil(lanes[2], provider, 30 * WHOLE, 30 * WHOLE, uint64(START) + 8 hours);
        // A bad hub delays the batch by an hour; the last guarantee is good later only.
        vm.warp(START + 1 hours);
        vm.prank(provider);
        assertEq(channels.drawMany(orders), 25 * WHOLE, "the other ones");
        _assertConserved();
    }

    function test_what_adds_nothing_says_nothing() public {
        _drawByHub(lanes[0], provider, 10 * WHOLE);
        Slip[] memory slips = new Slip[](3);
        slips[0] = _slip(lanes[0], provider, 10 * WHOLE);
        slips[1] = _slip(Parties(consumer, hub, 9), provider, 10 * WHOLE);
        slips[2] = _slip(lanes[1], relayer, 10 * WHOLE);
        Ear ear = Ear(address(vm));
        ear.recordLogs();
        vm.prank(hub);
        assertEq(channels.drawBatch(provider, slips), 0, "drawn already, no such channel, somebody else's");
        assertEq(ear.getRecordedLogs().length, 0, "no event");
    }

    function test_drawn_emptied_and_released_entries_are_passed_over() public {
        Draw[] memory orders = new Draw[](4);
        orders[0] = _guaranteed(lanes[0], provider, 10 * WHOLE, 10 * WHOLE);
        _drawByHub(lanes[0], provider, 10 * WHOLE);
        orders[1] = _hubDraw(lanes[1], provider, 20 * WHOLE);
        _drawByHub(lanes[1], relayer, 60 * WHOLE);
        uint64 released = uint64(block.timestamp) + 1 hours;
        orders[2] = _guaranteedUntil(lanes[2], provider, 30 * WHOLE, 30 * WHOLE, released);
        _conclude(_finalWith(lanes[2], provider, 0, released));
        orders[3] = _guaranteed(lanes[0], relayer, 5 * WHOLE, 5 * WHOLE);
        vm.prank(hub);
        assertEq(channels.drawMany(orders), 5 * WHOLE, "what there is");
        _assertConserved();
    }

    function _moody() private returns (MoodyWallet wallet, Parties memory parties) {
        wallet = new MoodyWallet();
        token.transfer(address(wallet), 102 * WHOLE);
        wallet.register(address(registry), address(channels), hub, address(token));
        parties = Parties(address(wallet), hub, 1);
        knownChannels.push(_id(parties));
        knownIdentities.push(address(wallet));
    }

    function test_one_contract_wallet_neither_reverts_a_batch_nor_uses_up_its_gas() public {
        (MoodyWallet wallet, Parties memory parties) = _moody();
        Draw[] memory orders = new Draw[](2);
        orders[0] = _hubDraw(lanes[0], provider, 10 * WHOLE);
        orders[0].parties = parties;
        orders[1] = _hubDraw(lanes[1], provider, 20 * WHOLE);
        wallet.set(false, false);
        vm.prank(hub);
        assertEq(channels.drawMany(orders), 20 * WHOLE, "what it no longer accepts is passed over");
        orders[1] = _hubDraw(lanes[1], provider, 30 * WHOLE);
        wallet.set(true, true);
        uint256 before = gasleft();
        vm.prank(hub);
        assertEq(channels.drawMany(orders), 10 * WHOLE, "what it never answers too");
        assertTrue(before - gasleft() < 700_000, "bounded");
        wallet.set(true, false);
        vm.prank(hub);
        assertEq(channels.drawMany(orders), 10 * WHOLE, "what it accepts is drawn");
        _assertConserved();
    }

    function test_a_settled_protest_holds_up_no_exit() public {
        _protest(lanes[0], provider, 10 * WHOLE);
        _protest(lanes[0], relayer, 20 * WHOLE);
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        vm.warp(START + EXIT_DELAY);
        address[] memory both = new address[](2);
        (both[0], both[1]) = (provider, relayer);
        // Somebody settles one of them just before.
        channels.settleProtest(lanes[0], provider);
        assertEq(channels.exit(lanes[0], both), 70 * WHOLE, "closed all the same");
        _assertConserved();
    }

    // --------------------------------------------------- equal to the long forms

    struct Books {
        bytes32 tabs;
        bytes32 accounts;
        uint256 pool;
        uint256 debt;
    }

    function _books() private view returns (Books memory books) {
        bytes memory tabs;
        for (uint256 i = 0; i < lanes.length; ++i) {
            bytes32 id = _id(lanes[i]);
            tabs = abi.encode(tabs, channels.channelOf(id), channels.tabOf(id, provider));
        }
        books.tabs = keccak256(tabs);
        books.accounts =
            keccak256(abi.encode(channels.accountOf(hub, provider), channels.accountOf(hub, relayer)));
        books.pool = _pool();
        books.debt = registry.debtOf(hub) + registry.debtOf(consumer);
    }

    function _assertSame(Books memory one, Books memory other) private pure {
        assertEq(one.tabs, other.tabs, "channels and tabs");
        assertEq(one.accounts, other.accounts, "accounts");
        assertEq(one.pool, other.pool, "pool");
        assertEq(one.debt, other.debt, "debts");
    }

    /// @notice With an advance before, a protest under way, a debt, or a fee that changes: `drawBatch` does what `drawMany`
    /// does, to the unit.
    function testFuzz_a_batch_of_slips_is_the_same_as_many_draws(
        uint256[6] memory amounts,
        uint256[6] memory which,
        uint256 advance,
        uint256 seed
    ) public {
        channels.redeem(_promised(hub, provider, bound(advance, 1, 300 * WHOLE)));
        if (seed % 2 == 0) _protest(lanes[0], provider, bound(seed, 1, 90 * WHOLE));
        if (seed % 3 == 0) channels.draw(_guaranteed(lanes[2], provider, 2_500 * WHOLE, 2_500 * WHOLE));
        if (seed % 5 == 0) {
            vm.prank(hub);
            channels.announceFee(uint16(bound(seed, 0, FEE_CAP)));
        }
        if (seed % 7 == 0) vm.warp(START + FEE_NOTICE);
        Draw[] memory orders = new Draw[](6);
        Slip[] memory slips = new Slip[](6);
        for (uint256 i = 0; i < 6; ++i) {
            Parties memory parties = lanes[which[i] % 3];
            uint256 amount = bound(amounts[i], 0, 120 * WHOLE);
            orders[i] = _hubDraw(parties, provider, amount);
            slips[i] = _slip(parties, provider, amount);
            if (which[i] % 11 == 0) {
                orders[i].amount += 1;
                slips[i].amount += 1;
            }
        }
        uint256 before = vm.snapshotState();
        vm.prank(hub);
        uint256 drawn = channels.drawMany(orders);
        Books memory expected = _books();
        vm.revertToState(before);
        vm.prank(hub);
        assertEq(channels.drawBatch(provider, slips), drawn, "drawn");
        _assertSame(_books(), expected);
        vm.revertToState(before);
        Batch[] memory batches = new Batch[](1);
        batches[0] = Batch(provider, slips);
        vm.prank(hub);
        assertEq(channels.drawBatches(batches), drawn, "drawn");
        _assertSame(_books(), expected);
    }

    function test_batches_for_several_providers_are_drawn_one_after_the_other() public {
        Batch[] memory batches = new Batch[](2);
        batches[0] = Batch(provider, new Slip[](2));
        batches[0].slips[0] = _slip(lanes[0], provider, 10 * WHOLE);
        batches[0].slips[1] = _slip(lanes[1], provider, 20 * WHOLE);
        batches[1] = Batch(relayer, new Slip[](1));
        batches[1].slips[0] = _slip(lanes[0], relayer, 95 * WHOLE);
        bytes32 id = _id(lanes[0]);
        vm.expectEmit();
        emit IChannelMoney.Drawn(id, provider, 10 * WHOLE, WHOLE / 5, 10 * WHOLE);
        vm.prank(hub);
        assertEq(channels.drawBatches(batches), 120 * WHOLE, "drawn, as far as it is there");
        assertEq(channels.accountOf(hub, provider).credited, 294 * WHOLE / 10, "one");
        assertEq(channels.accountOf(hub, relayer).credited, 882 * WHOLE / 10, "the other");
        assertEq(_pool(), 2024 * WHOLE / 10, "the fees");
        _assertConserved();
    }

    function test_slips_are_drawn_by_their_own_hub_only() public {
        Slip[] memory slips = new Slip[](1);
        slips[0] = _slip(lanes[0], provider, 10 * WHOLE);
        // Another caller's slip speaks of another channel, which is empty.
        vm.prank(provider);
        assertEq(channels.drawBatch(provider, slips), 0, "nothing");
        slips[0].amount = uint256(type(uint128).max) + 1;
        vm.prank(hub);
        vm.expectPartialRevert(IChannelMoney.AmountTooLarge.selector);
        channels.drawBatch(provider, slips);
    }

    /// @notice Pool enough or not, stake enough or not: the short form does what the long one does.
    function testFuzz_a_payment_of_many_is_the_same_as_a_redemption(
        uint256[4] memory totals,
        uint256[4] memory to,
        uint256 drawn
    ) public {
        _drawByHub(lanes[0], provider, bound(drawn, 1, 100 * WHOLE));
        Redemption[] memory long = new Redemption[](4);
        Payment[] memory short = new Payment[](4);
        for (uint256 i = 0; i < 4; ++i) {
            address payee = to[i] % 2 == 0 ? provider : relayer;
            uint256 total = to[i] % 5 == 0 ? 0 : bound(totals[i], 0, 2_000 * WHOLE);
            long[i] = _promised(hub, payee, total);
            short[i] = _payment(hub, payee, total);
        }
        uint256 before = vm.snapshotState();
        uint256 paid;
        for (uint256 i = 0; i < 4; ++i) {
            try channels.redeem(long[i]) returns (uint256 amount) {
                paid += amount;
            } catch {}
        }
        Books memory expected = _books();
        uint256 balance = token.balanceOf(provider);
        vm.revertToState(before);
        assertEq(channels.redeemMany(hub, short), paid, "paid");
        _assertSame(_books(), expected);
        assertEq(token.balanceOf(provider), balance, "received");
        _assertConserved();
    }

    function testFuzz_redeemed_to_elsewhere_is_redeemed_all_the_same(uint256 total, uint256 drawn) public {
        _drawByHub(lanes[0], provider, bound(drawn, 1, 100 * WHOLE));
        Redemption memory redemption = _promised(hub, provider, bound(total, 0, 2_000 * WHOLE));
        uint256 before = vm.snapshotState();
        uint256 paid = channels.redeem(redemption);
        Books memory expected = _books();
        vm.revertToState(before);
        uint256 balance = token.balanceOf(relayer);
        vm.prank(provider);
        assertEq(channels.redeemTo(redemption, relayer), paid, "paid");
        _assertSame(_books(), expected);
        assertEq(token.balanceOf(relayer) - balance, paid, "to where it says");
    }

    function test_draws_and_redeems_to_where_the_provider_says() public {
        Draw[] memory orders = new Draw[](1);
        orders[0] = _guaranteed(lanes[0], provider, 50 * WHOLE, 50 * WHOLE);
        vm.expectPartialRevert(IChannelMoney.NotTheProvider.selector);
        channels.drawAndRedeem(orders, _waiting(hub, provider), relayer);
        uint256 before = token.balanceOf(relayer);
        vm.prank(provider);
        channels.drawAndRedeem(orders, _waiting(hub, provider), relayer);
        assertEq(token.balanceOf(relayer) - before, 49 * WHOLE, "received");
        _assertConserved();
    }
}
