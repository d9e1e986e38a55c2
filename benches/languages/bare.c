/* A function of the same form as tokenstore_verify that does nothing: what a call itself costs a language. */
#include "tokenstore.h"

TOKENSTORE_API tokenstore_status bare_verify(const tokenstore_store *store, const uint8_t *value, size_t value_len,
                                             const tokenstore_query *query, tokenstore_verdict *verdict);

tokenstore_status bare_verify(const tokenstore_store *store, const uint8_t *value, size_t value_len,
                              const tokenstore_query *query, tokenstore_verdict *verdict) {
    (void)store, (void)value, (void)value_len, (void)query, (void)verdict;
    return TOKENSTORE_OK;
}
