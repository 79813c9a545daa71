/* SPDX-License-Identifier: MIT */
/* A header section: fields over one block of text. */
#include "http/head.h"

#include <string.h>

#include "http/chars.h"

/* First sizes: what most requests and replies need, so that nothing is moved. */
#define HEAD_FIRST_BYTES 1024
#define HEAD_FIRST_FIELDS 16

void head_init(struct head *head, struct arena *arena, uint32_t max_bytes,
    uint32_t max_fields)
{
	*head = (struct head){ .arena = arena, .max_bytes = max_bytes,
		.max_fields = max_fields };
}

/* Doubles from first until needed fits, but never past max. */
static uint32_t grown(uint32_t capacity, uint32_t first, uint64_t needed, uint32_t max)
{
	uint64_t size = capacity == 0 ? first : capacity;

	while (size < needed) {
		size *= 2;
	}
	return size > max ? max : (uint32_t)size;
}

/* Room for size more bytes of text. */
static int reserve_text(struct head *head, size_t size)
{
	uint32_t capacity;
	char *text;

	if (size <= head->capacity - head->size) {
		return 0;
	}
	if (size > head->max_bytes - head->size) {
		return ERR_LIMIT;
	}
	capacity = grown(head->capacity, HEAD_FIRST_BYTES, (uint64_t)head->size + size,
	    head->max_bytes);
	text = arena_alloc(head->arena, capacity);
	if (text == NULL) {
		return ERR_NOMEM;
	}
	if (head->size > 0) {
		memcpy(text, head->text, head->size);
	}
	head->text = text;
	head->capacity = capacity;
	return 0;
}

int head_put(struct head *head, const char *data, size_t size, uint32_t *offset)
{
	int rc = reserve_text(head, size);

	if (rc != 0) {
		return rc;
	}
	if (size > 0) {
		memcpy(head->text + head->size, data, size);
	}
	*offset = head->size;
	head->size += (uint32_t)size;
	return 0;
}

/* Room for one more field. */
static int reserve_field(struct head *head)
{
	struct head_field *fields;
	uint32_t capacity;

	if (head->count < head->fields_capacity) {
		return 0;
	}
	if (head->count >= head->max_fields) {
		return ERR_LIMIT;
	}
	capacity = grown(head->fields_capacity, HEAD_FIRST_FIELDS,
	    (uint64_t)head->count + 1, head->max_fields);
	fields = arena_alloc(head->arena, capacity * sizeof(*fields));
	if (fields == NULL) {
		return ERR_NOMEM;
	}
	if (head->count > 0) {
		memcpy(fields, head->fields, head->count * sizeof(*fields));
	}
	head->fields = fields;
	head->fields_capacity = capacity;
	return 0;
}

int head_add_put(struct head *head, struct head_field field)
{
	int rc = reserve_field(head);

	if (rc == 0) {
		head->fields[head->count++] = field;
	}
	return rc;
}

/* Appends a text and its NUL, for which there must be room. */
static uint32_t put_text(struct head *head, struct slice text)
{
	uint32_t offset = head->size;

	if (text.size > 0) {
		memcpy(head->text + offset, text.data, text.size);
	}
	head->text[offset + text.size] = '\0';
	head->size += (uint32_t)text.size + 1;
	return offset;
}

static void lower(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] >= 'A' && text[i] <= 'Z') {
			text[i] |= 0x20;
		}
	}
}

int head_add(struct head *head, struct slice name, struct slice value)
{
	struct head_field field;
	int rc;

	if (name.size >= UINT32_MAX / 2 || value.size >= UINT32_MAX / 2) {
		return ERR_LIMIT;
	}
	rc = reserve_text(head, name.size + value.size + 2);
	if (rc == 0) {
		rc = reserve_field(head);
	}
	if (rc != 0) {
		return rc;
	}
	field.name = put_text(head, name);
	field.name_size = (uint32_t)name.size;
	lower(head->text + field.name, name.size);
	field.value = put_text(head, value);
	field.value_size = (uint32_t)value.size;
	head->fields[head->count++] = field;
	return 0;
}

void head_remove(struct head *head, struct slice name)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < head->count; i++) {
		if (!slice_equal(head_name(head, i), name)) {
			head->fields[kept++] = head->fields[i];
		}
	}
	head->count = kept;
}

struct slice head_find(const struct head *head, struct slice name)
{
	for (uint32_t i = 0; i < head->count; i++) {
		if (slice_equal(head_name(head, i), name)) {
			return head_value(head, i);
		}
	}
	return (struct slice){ NULL, 0 };
}

bool head_next_element(struct slice *list, struct slice *element)
{
	const char *comma;

	if (list->data == NULL) {
		return false;
	}
	comma = memchr(list->data, ',', list->size);
	*element = *list;
	if (comma == NULL) {
		*list = (struct slice){ NULL, 0 };
	} else {
		element->size = (size_t)(comma - list->data);
		slice_skip(list, element->size + 1);
	}
	while (element->size > 0 && char_is_blank(element->data[0])) {
		slice_skip(element, 1);
	}
	while (element->size > 0 && char_is_blank(element->data[element->size - 1])) {
		element->size--;
	}
	return true;
}

static bool list_has(struct slice list, struct slice wanted,
    bool (*equal)(struct slice, struct slice))
{
	struct slice element;

	while (head_next_element(&list, &element)) {
		if (equal(element, wanted)) {
			return true;
		}
	}
	return false;
}

static bool has_element(const struct head *head, struct slice name, struct slice wanted,
    bool (*equal)(struct slice, struct slice))
{
	for (uint32_t i = 0; i < head->count; i++) {
		if (slice_equal(head_name(head, i), name) &&
		    list_has(head_value(head, i), wanted, equal)) {
			return true;
		}
	}
	return false;
}

bool head_has_token(const struct head *head, struct slice name, struct slice token)
{
	return has_element(head, name, token, slice_equal_nocase);
}

bool head_lists(const struct head *head, struct slice name, struct slice element)
{
	return element.size > 0 && has_element(head, name, element, slice_equal);
}

bool head_name_valid(struct slice name)
{
	for (size_t i = 0; i < name.size; i++) {
		if (char_token_lower(name.data[i]) == 0) {
			return false;
		}
	}
	return name.size > 0;
}

bool head_value_valid(struct slice value)
{
	if (value.size > 0 && (char_is_blank(value.data[0]) ||
	    char_is_blank(value.data[value.size - 1]))) {
		return false;
	}
	for (size_t i = 0; i < value.size; i++) {
		if (!char_is(value.data[i], CHAR_TEXT)) {
			return false;
		}
	}
	return true;
}
