/* Blocks and proofs, read without a node. */
#include "check.h"

int main(void) {
    duo_node *node = fast_node();
    duo_completion done;
    duo_block_header_t header = DUO_BLOCK_HEADER_INIT, proven = DUO_BLOCK_HEADER_INIT;
    duo_iovec items[8];
    uint64_t op = 0;
    size_t n = 0, len = 0, proof_len = 0;
    unsigned char *block, proof[4096];
    OK(duo_node_submit(node, DUO_CHAIN_DELTA, 0, "proven", 6, &op));
    OK(duo_node_poll_completions(node, &done, 1, PATIENCE_NS, &n));
    CHECK(n == 1 && done.status == DUO_OK);

    /* Sizes first, then the bytes. */
    OK(duo_node_block(node, DUO_CHAIN_DELTA, done.height, NULL, 0, &len));
    block = (unsigned char *)malloc(len);
    CHECK(block != NULL);
    GIVES(DUO_ERR_TOO_LARGE, duo_node_block(node, DUO_CHAIN_DELTA, done.height, block, len - 1, &n));
    CHECK(n == len);
    OK(duo_node_block(node, DUO_CHAIN_DELTA, done.height, block, len, &len));
    GIVES(DUO_NOT_FOUND, duo_node_block(node, DUO_CHAIN_DELTA, 0, block, len, &n));
    GIVES(DUO_NOT_FOUND, duo_node_block(node, DUO_CHAIN_DELTA, UINT64_MAX, block, len, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_block(node, 0, 1, block, len, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_block(node, DUO_CHAIN_DELTA, 1, NULL, 10, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_block(node, DUO_CHAIN_DELTA, 1, block, len, NULL));

    OK(duo_block_header(block, len, &header));
    CHECK(header.height == done.height && header.chain == DUO_CHAIN_DELTA && header.tx_count >= 1);
    OK(duo_block_transactions(block, len, NULL, 0, &n));
    CHECK(n == header.tx_count && n <= 8);
    OK(duo_block_transactions(block, len, items, 8, &n));
    CHECK(items[done.index].len == 6 && memcmp(items[done.index].data, "proven", 6) == 0);
    CHECK((const unsigned char *)items[0].data > block);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_block_transactions(block, len, NULL, 8, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_block_transactions(block, len, items, 8, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_block_transactions(NULL, len, items, 8, &n));
    GIVES(DUO_ERR_CORRUPTION, duo_block_transactions(block, len - 1, items, 8, &n));
    GIVES(DUO_ERR_CORRUPTION, duo_block_header(block, 0, &header));
    GIVES(DUO_ERR_TOO_LARGE, duo_block_header(block, SIZE_MAX, &header));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_block_header(block, len, NULL));

    OK(duo_node_proof(node, DUO_CHAIN_DELTA, done.tx, proof, sizeof proof, &proof_len));
    OK(duo_proof_verify(proof, proof_len, "proven", 6, &proven));
    CHECK(memcmp(proven.hash, header.hash, sizeof header.hash) == 0 && proven.height == header.height);
    OK(duo_proof_verify(proof, proof_len, "proven", 6, NULL));
    GIVES(DUO_ERR_CONFLICT, duo_proof_verify(proof, proof_len, "proveN", 6, &proven));
    GIVES(DUO_ERR_CORRUPTION, duo_proof_verify(proof, proof_len - 1, "proven", 6, &proven));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_proof_verify(NULL, 10, "proven", 6, &proven));
    GIVES(DUO_ERR_TOO_LARGE, duo_proof_verify(proof, SIZE_MAX, "proven", 6, &proven));
    done.tx[0] ^= 1;
    GIVES(DUO_NOT_FOUND, duo_node_proof(node, DUO_CHAIN_DELTA, done.tx, proof, sizeof proof, &proof_len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_proof(node, DUO_CHAIN_DELTA, NULL, proof, 1, &proof_len));

    /* Every single altered byte is a refusal or another block, never a crash. */
    for (size_t at = 0; at < len; at++) {
        block[at] ^= 0x80;
        if (duo_block_transactions(block, len, items, 8, &n) == DUO_OK) {
            OK(duo_block_header(block, len, &proven));
            CHECK(at >= 176 || memcmp(proven.hash, header.hash, sizeof header.hash) != 0);
        }
        block[at] ^= 0x80;
    }
    free(block);
    OK(duo_node_destroy(node));
    return 0;
}
